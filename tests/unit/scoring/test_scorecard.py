"""A scorecard's points say what its probabilities say, and a person can add them up."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from arrears.model.fitting.calibration import Calibration
from arrears.scoring.scorers.plain_tables import read, written
from arrears.scoring.scorers.scorecard_points import POINTS_RANK, PointScale, Scorecard, points_rows
from arrears.scoring.woe import EvidenceTable
from tests.unit.scoring.made_up_scorecard import CARD, EVIDENCE, FORMULA, SCALE


def bins(table: EvidenceTable) -> list[float]:
    return [line.woe for line in (*table.bins, *([table.other] if table.levels else []), table.missing)]


def test_points_of_a_borrowers_bins_add_up_to_the_score_behind_the_probability() -> None:
    lines = {name: [row for row in CARD.points_table() if row.feature == name] for name in ("income", "state")}
    for (one, income), (other, state) in itertools.product(enumerate(bins(EVIDENCE[0])), enumerate(bins(EVIDENCE[1]))):
        inputs = np.array([[income, state, 0.0]])
        total = lines["income"][one].exact_points + lines["state"][other].exact_points
        (chance,) = CARD.estimates(inputs)
        assert CARD.scores(inputs)[0] == pytest.approx(total, abs=1e-9)
        assert chance == pytest.approx(1 / (1 + 50 * 2 ** ((total - 600) / 20)), abs=1e-12)


def test_base_points_stand_for_base_odds_and_the_doubling_points_double_them() -> None:
    assert SCALE.points(-math.log(50)) == pytest.approx(600)
    assert SCALE.points(-math.log(100)) == pytest.approx(620)


@pytest.mark.parametrize("slope", [1.0, 0.8])
def test_a_borrower_of_base_odds_has_base_points_after_the_correction(slope: float) -> None:
    # Defaults counted ten times as much: the formula sees odds of 5 to 1 where they are 50 to 1.
    calibration = Calibration("platt", slope=slope, intercept=-math.log(10))
    card = CARD.calibrated(calibration)
    log_odds = (math.log(1 / 50) + math.log(10)) / slope
    assert card.scale.points(log_odds) == pytest.approx(600.0, abs=1e-9)
    assert SCALE.points(math.log(1 / 50) + math.log(10)) == pytest.approx(533.6, abs=0.05)  # without it
    assert card.scale.points(log_odds - math.log(2) / slope) == pytest.approx(620.0, abs=1e-9)


@pytest.mark.parametrize("calibration", [Calibration("prior", intercept=-math.log(10)), Calibration("platt", 1.3, 0.2)])
def test_calibrated_points_add_up_to_the_odds_that_are_in_use(calibration: Calibration) -> None:
    card = CARD.calibrated(calibration)
    lines = {name: [row for row in card.points_table() if row.feature == name] for name in ("income", "state")}
    for (one, income), (other, state) in itertools.product(enumerate(bins(EVIDENCE[0])), enumerate(bins(EVIDENCE[1]))):
        inputs = np.array([[income, state, 0.0]])
        total = lines["income"][one].exact_points + lines["state"][other].exact_points
        (chance,) = calibration.apply(card.estimates(inputs))
        assert card.scores(inputs)[0] == pytest.approx(total, abs=1e-9)
        assert total == pytest.approx(600 + 20 * math.log2((1 - chance) / chance / 50), abs=1e-9)
    assert read(written(card)) == card
    assert all(row.points == round(row.exact_points) for row in card.points_table())


def test_isotonic_points_rank_and_say_that_odds_come_from_the_curve() -> None:
    card = CARD.calibrated(Calibration("isotonic", scores=(0.1, 0.9), values=(0.05, 0.6)))
    assert card.points_table() == CARD.points_table()
    assert card.note == POINTS_RANK
    assert read(written(card)) == card
    assert CARD.note == CARD.calibrated(None).note == ""


def test_the_points_table_names_each_bin_with_its_rows_and_leaves_out_what_the_formula_does_not_use() -> None:
    shown = [(row.feature, row.bin, row.rows, row.defaults) for row in CARD.points_table()]
    assert shown == [
        ("income", "up to 0.5", 42, 12),
        ("income", "above 0.5", 58, 8),
        ("income", "missing", 10, 5),
        ("state", "NY, TX", 64, 4),
        ("state", "CA", 41, 21),
        ("state", "other levels", 0, 0),
        ("state", "missing", 5, 0),
    ]
    safer = {row.bin: row.points for row in CARD.points_table() if row.feature == "state"}
    assert safer["NY, TX"] > safer["CA"]
    assert all(row.points == round(row.exact_points) for row in CARD.points_table())


def test_rounded_points_change_no_probability() -> None:
    coarse = Scorecard(FORMULA, PointScale(6.0, 50.0, 0.2), points_rows(FORMULA, EVIDENCE, PointScale(6.0, 50.0, 0.2)))
    inputs = np.random.default_rng(8).normal(size=(30, 3))
    assert coarse.estimates(inputs).tolist() == CARD.estimates(inputs).tolist()
