"""What the report tells of a training beside what was asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from spark_jobs.measuring.trained import TrainedRun, training_figures

HELD_OUT: Any = SimpleNamespace(rows=1000, defaults=90, auc=0.71)
INFERRED = {
    "rejects": 1234.0,
    "inferred_bad_rate": 0.2345,
    "auc_with_reject_inference": 0.7012,
    "auc_without_reject_inference": 0.7104,
}


def test_reject_inference_is_told_with_its_effect_and_what_it_cannot_know() -> None:
    run = TrainedRun(metrics=INFERRED, parameters={"reject_inference": "parcelling"})

    figures = training_figures(None, run, HELD_OUT)

    assert figures["rejected applicants"] == "1,234, by parcelling"
    assert figures["bad rate inferred of them"] == "23.45%; of held-out accepted borrowers it is 9.00%"
    assert figures["AUC on held-out accepted borrowers"] == "0.7012 with reject inference, 0.7104 without it"
    assert "no figure here can tell" in figures["what reject inference cannot know"]


@pytest.mark.parametrize("metrics", [{}, {"train_rows": 10.0}])
def test_a_training_of_accepted_borrowers_says_nothing_of_rejected_ones(metrics: dict[str, float]) -> None:
    assert not [name for name in training_figures(None, TrainedRun(metrics=metrics), HELD_OUT) if "reject" in name]
