"""Deciles, calibration check, stability and fairness say what a hand calculation says."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from arrears.model.features.binning import MISSING
from arrears.model.metrics.curves import HISTOGRAM_BINS, Curves
from arrears.model.metrics.default_metrics import Evaluation
from arrears.model.metrics.fairness import LevelCounts, group_fairness
from arrears.model.metrics.findings import AucDifference, Findings
from arrears.model.metrics.score_groups import (
    ScoreGroup,
    calibration_check,
    calibration_groups,
    deciles,
    score_stability,
    tenth_edges,
)
from tests.sums_in_memory import error_sums, rank_sums

GRID = [step / 1000 for step in range(1001)]


def a_group(kind: str, number: int, positives: float, negatives: float, mean: float) -> ScoreGroup:
    rows = int(positives + negatives)
    return ScoreGroup(kind, number, rows, positives, negatives, mean * (positives + negatives))  # type: ignore[arg-type]


def test_deciles_tell_lift_and_capture_from_the_riskiest_on() -> None:
    groups = [a_group("decile", 1, 10, 90, 0.2), a_group("decile", 0, 30, 70, 0.4), a_group("decile", 5, 0, 200, 0.1)]
    found = deciles([*groups, a_group("calibration", 0, 1, 1, 0.5)])
    assert [one.decile for one in found] == [1, 2, 6]
    assert [one.default_rate for one in found] == pytest.approx([0.3, 0.1, 0.0])
    assert [one.lift for one in found] == pytest.approx([3.0, 1.0, 0.0])
    assert [one.capture for one in found] == pytest.approx([0.75, 1.0, 1.0])
    assert [one.mean_score for one in found] == pytest.approx([0.4, 0.2, 0.1])


def test_calibration_check_is_the_sum_over_the_groups() -> None:
    groups = [a_group("calibration", 1, 30, 70, 0.25), a_group("calibration", 0, 10, 290, 0.05)]
    found = calibration_check(groups)
    statistic = (30 - 25) ** 2 / (100 * 0.25 * 0.75) + (10 - 15) ** 2 / (300 * 0.05 * 0.95)
    assert found.ece == pytest.approx(0.25 * 0.05 + 0.75 * (0.05 - 1 / 30))
    assert found.hosmer_lemeshow == pytest.approx(statistic)
    assert (found.p_value, found.degrees) == (pytest.approx(chi2.sf(statistic, 2)), 2)
    assert [group.mean_score for group in calibration_groups(groups)] == pytest.approx([0.05, 0.25])


def test_calibration_check_stays_a_number_when_a_certain_group_was_wrong() -> None:
    found = calibration_check([a_group("calibration", 0, 1, 99, 0.0), a_group("calibration", 1, 5, 5, 0.5)])
    assert math.isfinite(found.hosmer_lemeshow)
    assert found.p_value == 0.0


def test_p_values_are_even_when_probabilities_come_true() -> None:
    random = np.random.default_rng(5)
    means = np.linspace(0.05, 0.5, 10)
    draws = random.binomial(400, means, (600, 10))
    p_values = [
        calibration_check(
            [a_group("calibration", n, d, 400 - d, m) for n, (d, m) in enumerate(zip(row, means, strict=True))]
        ).p_value
        for row in draws.tolist()
    ]
    assert np.mean(np.array(p_values) < 0.1) == pytest.approx(0.1, abs=0.035)
    assert np.mean(np.array(p_values) < 0.5) == pytest.approx(0.5, abs=0.07)


def test_stability_is_zero_when_every_tenth_holds_a_tenth() -> None:
    groups = [ScoreGroup("training_tenth", number, 50, 0, 50, 1.0) for number in range(10)]
    found = score_stability(groups, GRID)
    assert found.psi == pytest.approx(0.0, abs=1e-12)
    assert [one.training_share for one in found.bins] == pytest.approx([0.1] * 10)


@given(st.lists(st.integers(0, 60), min_size=10, max_size=10).filter(any))
def test_stability_is_the_sum_by_hand_when_some_tenths_are_empty(rows: list[int]) -> None:
    groups = [ScoreGroup("training_tenth", n, count, 0, count, 1.0) for n, count in enumerate(rows) if count]
    found = score_stability(groups, GRID)
    total = sum(rows)
    by_hand = sum((0.1 - n / total) * math.log(0.1 / ((n or 0.5) / total)) for n in rows)
    assert found.psi == pytest.approx(by_hand, abs=1e-9)
    assert found.psi == pytest.approx(sum(one.contribution for one in found.bins), abs=1e-12)
    assert [one.held_out_share for one in found.bins] == pytest.approx([n / total for n in rows])


def test_a_score_that_fills_several_tenths_has_one_bin() -> None:
    grid = [0.2] * 351 + [0.2 + step / 1000 for step in range(1, 651)]
    edges = tenth_edges(grid)
    assert edges[0] == 0.2
    assert len(edges) == 7
    found = score_stability([ScoreGroup("training_tenth", 0, 35, 0, 35, 7.0)], grid)
    assert found.bins[0].training_share == pytest.approx(0.35)
    assert sum(one.training_share for one in found.bins) == pytest.approx(1.0)


def test_all_training_scores_equal_leave_one_bin() -> None:
    assert tenth_edges([0.3] * 1001) == ()
    assert score_stability([ScoreGroup("training_tenth", 0, 9, 0, 9, 1.0)], [0.3] * 1001).psi == 0.0


def test_groups_are_compared_with_the_most_approved_one_of_their_attribute() -> None:
    counts = [
        LevelCounts("gender", "f", rows=100, defaults=10, approved=60, approved_bad=2),
        LevelCounts("gender", "m", rows=200, defaults=40, approved=160, approved_bad=20),
        LevelCounts("gender", "x", rows=29, defaults=0, approved=0, approved_bad=0),
        LevelCounts("gender", MISSING, rows=50, defaults=50, approved=0, approved_bad=0),
    ]
    men, women, missing, few = group_fairness(counts)
    assert (men.approval_ratio, women.approval_ratio) == pytest.approx((1.0, 0.75))
    assert (few.approval_ratio, missing.approval_ratio) == (None, None)
    assert (few.rows, missing.rows) == (29, 50)
    assert women.declined_good_rate is not None
    assert women.declined_good_rate.value == pytest.approx((90 - 58) / 90)
    assert women.approved_bad_rate is not None
    assert women.approved_bad_rate.value == pytest.approx(0.2)
    assert (few.approved_bad_rate, missing.declined_good_rate) == (None, None)
    assert women.approval_rate.low < 0.6 < women.approval_rate.high


def test_group_that_is_alone_is_not_compared_with_itself_and_meets_no_rule() -> None:
    alone = [
        LevelCounts("age", "old", rows=300, defaults=30, approved=300, approved_bad=30),
        LevelCounts("age", "young", rows=29, defaults=9, approved=0, approved_bad=0),
    ]
    found = some_findings(fairness=group_fairness(alone))
    assert [group.approval_ratio for group in found.fairness] == [None, None]
    assert found.lowest_approval_ratio is None
    assert "lowest_approval_ratio" not in found.metrics()


def test_nothing_is_compared_when_nobody_is_approved() -> None:
    counts = [LevelCounts("gender", name, 100, 10, 0, 0) for name in "fm"]
    assert [group.approval_ratio for group in group_fairness(counts)] == [None, None]


def some_findings(**parts: object) -> Findings:
    scores, labels = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
    evaluation = Evaluation.from_sums(
        rank_sums(scores, labels), error_sums(scores, labels, threshold=0.5), threshold=0.5
    )
    groups = [a_group("calibration", 0, 1, 1, 0.4), a_group("decile", 0, 1, 1, 0.4)]
    bins = (0,) * HISTOGRAM_BINS
    curves = Curves((), bins, bins, calibration_groups(groups), (0.1, 0.8))
    return Findings(evaluation, curves, calibration_check(groups), deciles(groups), **parts)  # type: ignore[arg-type]


def test_metrics_leave_out_what_is_not_known() -> None:
    found = some_findings().metrics()
    assert not {"score_psi", "auc_difference", "lowest_approval_ratio"} & set(found)
    assert {"auc", "auc_low", "ece", "hosmer_lemeshow_p", "mcc"} <= set(found)


def test_findings_become_json_with_all_of_their_parts() -> None:
    groups = group_fairness([LevelCounts("gender", "f", 100, 10, 60, 2), LevelCounts("gender", "m", 100, 10, 80, 2)])
    stability = score_stability([ScoreGroup("training_tenth", 0, 9, 0, 9, 1.0)], GRID)
    found = some_findings(fairness=groups, stability=stability, auc_difference=AucDifference(0.1, 0.05, 0.15))
    read = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert read["metrics"]["lowest_approval_ratio"] == pytest.approx(0.75)
    assert read["metrics"]["auc_difference_low"] == 0.05
    assert read["metrics"]["score_psi"] == pytest.approx(stability.psi)
    assert read["fairness"][0]["approval_rate"]["value"] == 0.6
    assert read["curves"]["calibration"][0]["rows"] == 2
