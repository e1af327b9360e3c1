"""What is stated of the synthetic bank's defaults agrees with a simulation of its populations."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from arrears.contracts.job_configs.bank_jobs import GenerateBankConfig
from arrears.model.synthetic_risk import (
    OWN_DEVIATION,
    Population,
    best_auc,
    default_limit,
    default_rate,
    mature_populations,
    months_after,
    populations,
)


def a_config(**given: object) -> GenerateBankConfig:
    return GenerateBankConfig(**{"as_of": "2026-01-31"} | given)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{}, {"drift_from": None, "default_rate": 0.3}, {"decision_months": 5}])
def test_rate_and_best_auc_are_those_of_a_simulation(given: dict[str, object]) -> None:
    config = a_config(**given)
    cells, limit = populations(config), default_limit(config)
    rng = np.random.default_rng(1)
    drawn = rng.choice(len(cells), 400_000, p=[cell.share for cell in cells])
    visible = np.array([(cell.mean, cell.deviation) for cell in cells])[drawn]
    visible = visible[:, 0] + visible[:, 1] * rng.standard_normal(len(drawn))
    is_default = visible + OWN_DEVIATION * rng.standard_normal(len(drawn)) > limit

    assert default_rate(cells, limit) == pytest.approx(config.default_rate, abs=1e-9)
    assert is_default.mean() == pytest.approx(config.default_rate, abs=0.003)
    assert best_auc(cells, limit) == pytest.approx(roc_auc_score(is_default, visible), abs=0.005)


def test_the_best_auc_of_one_population_does_not_depend_on_its_share() -> None:
    half, whole = ([Population(date(2022, 1, 1), share, 0.0, 0.6)] for share in (0.5, 1.0))

    assert best_auc(half, 1.5) == pytest.approx(best_auc(whole, 1.5))
    assert best_auc([Population(date(2022, 1, 1), 1.0, 0.0, 1e-6)], 1.5) == pytest.approx(0.5, abs=1e-4)


def test_the_drift_parts_the_month_in_which_it_starts() -> None:
    cells = populations(a_config(decision_months=3, drift_from="2022-02-10"))

    assert [round(cell.share * 81) for cell in cells] == [27, 9, 18, 27]
    assert [cell.month.month for cell in cells] == [1, 2, 2, 3]
    assert sum(cell.share for cell in cells) == pytest.approx(1)


@pytest.mark.parametrize(
    ("as_of", "months"),
    [("2023-03-30", 0.0), ("2023-03-31", 1 / 27), ("2023-04-26", 1.0), ("2023-04-30", 1.0), ("2024-05-28", 14.0)],
)
def test_a_decision_is_mature_when_the_last_row_of_its_twelve_months_has_arrived(as_of: str, months: float) -> None:
    assert sum(cell.share for cell in mature_populations(a_config(as_of=as_of))) * 36 == pytest.approx(months)


def test_months_are_counted_over_the_year() -> None:
    assert [months_after(date(2022, 11, 1), n) for n in (0, 2, 26)] == [
        date(2022, 11, 1), date(2023, 1, 1), date(2025, 1, 1)
    ]  # fmt: skip
