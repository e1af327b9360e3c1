"""What came of a training, as the report tells it beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from arrears.model.metrics.default_metrics import Evaluation
from arrears.stores.model_notes import AS_OF_TAG


@dataclass(frozen=True)
class TrainedRun:
    """The MLflow run of a training, as its report tells it.

    Attributes:
        metrics: what it found, its training's own figures among them.
        parameters: what was asked for.
        links: label to URL of the pages about it.
        measured_at: when the report is made.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    measured_at: str = ""

    @property
    def as_of(self) -> str:
        """The business date that it was trained for; empty where it had none."""
        return self.tags.get(AS_OF_TAG, "")


def told_training(scorer: Any, run: TrainedRun, held_out: Evaluation) -> dict[str, str]:
    """Trees, step size, rows and the AUC on them, the scale of a scorecard; what is not known is left out.

    Args:
        scorer: the loaded model.
    """
    told, trained = {}, run.metrics
    if "train_rows" in trained:
        told["training rows"] = f"{trained['train_rows']:,.0f}"
    if "trees" in trained:
        told["trees used"] = f"{trained['trees']:,.0f}"
    if "learning_rate" in trained:
        told["learning rate in effect"] = f"{trained['learning_rate']:.4g}"
    if "train_auc" in trained:
        learnt = trained["train_auc"]
        told["AUC on the training rows"] = f"{learnt:.4f}"
        told["AUC on held-out rows"] = f"{held_out.auc:.4f}, {held_out.auc - learnt:+.4f}"
    scale = getattr(scorer, "scale", None)
    if scale is not None:
        told["base score"] = f"{scale.base_points:g} points at odds of {scale.base_odds:g} to 1"
        told["points to double the odds"] = f"{scale.doubling_points:g}"
    return told
