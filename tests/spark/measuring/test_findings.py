"""All that an evaluation finds equals pandas, scikit-learn and the slow way on the same rows, on any partitions."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from sklearn import metrics as reference

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.model.features.binning import MISSING, OTHER_LEVELS, Bins, number_bins, quantile_edges
from arrears.model.metrics.findings import Findings
from spark_jobs.measuring import evaluation
from spark_jobs.measuring.evaluation import findings
from spark_jobs.measuring.level_findings import level_findings
from spark_jobs.transforms.scores import score_counts, score_curves
from tests.sums_in_memory import rank_sums

ROWS = 1200
THRESHOLD = 0.36  # of some borrowers the very score
GRID = [round(step / 1000 * 0.8, 6) for step in range(1001)]
STATES = ["NY"] * 14 + ["TX"] * 8 + ["CA"] * 7 + ["WY"]


def borrowers() -> pd.DataFrame:
    """Scores of two models with ties, a state in which the candidate ranks by chance, and a few gaps."""
    random = np.random.default_rng(3)
    score, state = random.integers(0, 51, ROWS) / 50, random.choice(STATES, ROWS)
    luck = random.random(ROWS)
    risk = np.where(state == "CA", 0.3, 0.05 + 0.7 * score)
    gaps = random.random(ROWS) < 0.02
    return pd.DataFrame(
        {
            "borrower_id": [f"b{number}" for number in range(ROWS)],
            "default_probability": score,
            "champion": (score + random.integers(-20, 21, ROWS) / 50).clip(0, 1),
            "is_default": (luck < risk).astype(int),
            "weight": random.choice([0.0, 0.5, 1.0, 3.25], ROWS),
            "state": np.where(gaps, None, state),
            "income": np.where(gaps, np.nan, random.integers(1, 200, ROWS)),
            "gender": random.choice(["f", "m", "x"], ROWS, p=[0.5, 0.49, 0.01]),
        }
    )


@pytest.fixture(autouse=True)
def small_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few hundred rows are parted into ranges as tens of millions would be."""
    monkeypatch.setattr(score_counts, "ROWS_A_BUCKET", 300)


@pytest.fixture
def scored(spark: SparkSession) -> Callable[[pd.DataFrame, int], DataFrame]:
    def build(rows: pd.DataFrame, partitions: int) -> DataFrame:
        return spark.createDataFrame(rows).repartition(partitions)

    return build


def found_on(frame: DataFrame, weight: str | None) -> Findings:
    return findings(
        frame,
        threshold=THRESHOLD,
        champion=frame.select("borrower_id", F.col("champion").alias("default_probability")),
        segment_by=("state", "income"),
        protected=("gender", "state"),
        training_quantiles=GRID,
        weight=weight,
    )


@pytest.mark.parametrize(("partitions", "weight"), [(1, None), (3, "weight"), (7, "weight")])
def test_findings_equal_the_slow_way_on_any_partitions(
    scored: Callable[..., DataFrame], partitions: int, weight: str | None
) -> None:
    rows = borrowers()
    found = found_on(scored(rows, partitions), weight)
    rows["counted"] = 1.0 if weight is None else rows[weight]
    rows = rows[rows.counted > 0]
    assert_metrics_are_scikit_learns(found, rows)
    assert_groups_are_tenths(found, rows)
    assert_difference_is_delongs(found, rows)
    assert_segments_are_those_of_their_rows(found, rows)
    assert_fairness_counts_rows(found, rows)
    assert_stability_compares_with_training(found, rows)


def assert_metrics_are_scikit_learns(found: Findings, rows: pd.DataFrame) -> None:
    labels, scores, weights = rows.is_default, rows.default_probability, rows.counted
    flagged = (scores >= THRESHOLD).astype(int)
    expected = {
        "auc": reference.roc_auc_score(labels, scores, sample_weight=weights),
        "auc_pr": reference.average_precision_score(labels, scores, sample_weight=weights),
        "log_loss": reference.log_loss(labels, scores, sample_weight=weights),
        "brier": reference.brier_score_loss(labels, scores, sample_weight=weights),
        "accuracy": reference.accuracy_score(labels, flagged, sample_weight=weights),
        "f1": reference.f1_score(labels, flagged, sample_weight=weights),
        "mcc": reference.matthews_corrcoef(labels, flagged, sample_weight=weights),
        "ks": rank_sums(scores, labels, weights).ks,
        "rows": len(rows),
        "defaults": labels.sum(),
    }
    metrics = found.metrics()
    assert {name: metrics[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    matrix = reference.confusion_matrix(labels, flagged, sample_weight=weights)
    assert [[metrics["tn"], metrics["fp"]], [metrics["fn"], metrics["tp"]]] == pytest.approx(matrix, abs=1e-9)
    interval = rank_sums(scores, labels, weights).auc_interval
    assert (metrics["auc_low"], metrics["auc_high"]) == pytest.approx(interval, abs=1e-9)
    curve, positive = found.curves.roc, weights * labels
    assert np.trapezoid([y for _, y in curve], [x for x, _ in curve]) == pytest.approx(expected["auc"], abs=1e-9)
    assert sum(found.curves.defaults) == pytest.approx(positive.sum(), abs=1e-9)


def slow_tenths(rows: pd.DataFrame, *, falling: bool) -> pd.DataFrame:
    """Whole scores dealt into tenths of the weight, by the weight that lies before each score."""
    of_score = rows.groupby("default_probability").counted.sum().sort_index(ascending=not falling)
    before = of_score.cumsum() - of_score
    tenth = (before / of_score.sum() * 10 + 1e-9).astype(int).rename("tenth")
    weighted = rows.assign(bad=rows.counted * rows.is_default, said=rows.counted * rows.default_probability)
    return weighted.join(tenth, on="default_probability").groupby("tenth")[["counted", "bad", "said"]].sum()


def assert_groups_are_tenths(found: Findings, rows: pd.DataFrame) -> None:
    tenths = slow_tenths(rows, falling=False)
    said, came = tenths.said / tenths.counted, tenths.bad / tenths.counted
    assert [group.mean_score for group in found.curves.calibration] == pytest.approx(said.tolist(), abs=1e-9)
    assert [group.default_rate for group in found.curves.calibration] == pytest.approx(came.tolist(), abs=1e-9)
    ece = np.average(abs(said - came), weights=tenths.counted)
    statistic = (tenths.counted * (came - said) ** 2 / (said * (1 - said))).sum()
    assert found.calibration.ece == pytest.approx(ece, abs=1e-9)
    assert found.calibration.hosmer_lemeshow == pytest.approx(statistic, rel=1e-9)
    riskiest = slow_tenths(rows, falling=True)
    rate = riskiest.bad / riskiest.counted
    assert [one.decile for one in found.deciles] == [number + 1 for number in riskiest.index]
    assert [one.rows for one in found.deciles] == pytest.approx(riskiest.counted.tolist(), abs=1e-9)
    lift = rate / (riskiest.bad.sum() / riskiest.counted.sum())
    assert [one.lift for one in found.deciles] == pytest.approx(lift.tolist(), abs=1e-9)
    capture = riskiest.bad.cumsum() / riskiest.bad.sum()
    assert [one.capture for one in found.deciles] == pytest.approx(capture.tolist(), abs=1e-9)


def assert_difference_is_delongs(found: Findings, rows: pd.DataFrame) -> None:
    """Over all pairs of a defaulter and another, as DeLong, DeLong and Clarke-Pearson wrote it down."""
    bad, good = rows[rows.is_default == 1], rows[rows.is_default == 0]
    components = []
    for score in ("default_probability", "champion"):
        higher = bad[score].to_numpy()[:, None] - good[score].to_numpy()[None, :]
        wins = (higher > 0) + 0.5 * (higher == 0)
        of_bad, of_good = np.average(wins, axis=1, weights=good.counted), np.average(wins, axis=0, weights=bad.counted)
        components.append((of_bad, of_good))
    variance = 0.0
    for ours, theirs, part in zip(*components, (bad, good), strict=True):
        effective = part.counted.sum() ** 2 / (part.counted**2).sum()
        apart = ours - theirs - np.average(ours - theirs, weights=part.counted)
        spread = (part.counted**2 * apart**2).sum() / part.counted.sum() ** 2
        variance += spread * effective / (effective - 1)
    value = np.subtract(*(np.average(of_bad, weights=bad.counted) for of_bad, _ in components))
    reach = 1.959963984540054 * math.sqrt(variance)
    assert found.auc_difference is not None
    expected = (value, value - reach, value + reach)
    assert tuple(vars(found.auc_difference).values()) == pytest.approx(expected, abs=1e-9)


def assert_segments_are_those_of_their_rows(found: Findings, rows: pd.DataFrame) -> None:
    by_state = {one.level: one for one in found.segments if one.column == "state"}
    assert set(by_state) == {"NY", "TX", "CA", OTHER_LEVELS}
    own = rows.state.where(rows.state.isin(["NY", "TX", "CA"]), OTHER_LEVELS)
    for level, part in rows.groupby(own):
        sums, one = rank_sums(part.default_probability, part.is_default, part.counted), by_state[level]
        assert (one.rows, one.defaults) == (len(part), part.is_default.sum())
        assert one.default_rate == pytest.approx(np.average(part.is_default, weights=part.counted), abs=1e-9)
        assert one.mean_score == pytest.approx(np.average(part.default_probability, weights=part.counted), abs=1e-9)
        assert (one.auc, one.auc_low, one.auc_high) == pytest.approx((sums.auc, *sums.auc_interval), abs=1e-9)
    quarters = Bins("income", quantile_edges(rows.income, 4))
    sizes = dict(zip(quarters.labels, np.bincount(number_bins(rows.income.to_numpy(), quarters.edges)), strict=True))
    assert sizes[MISSING] > 0  # the only small level: it is told by its name
    assert {one.level: one.rows for one in found.segments if one.column == "income"} == sizes
    assert found.segments[0].level == "CA"
    assert [one.auc for one in found.segments] == sorted(one.auc or math.inf for one in found.segments)


def assert_fairness_counts_rows(found: Findings, rows: pd.DataFrame) -> None:
    approved = rows.default_probability < THRESHOLD
    rates = {}
    for one in (group for group in found.fairness if group.attribute == "gender"):
        is_member, bad = rows.gender == one.group, rows.is_default == 1
        rates[one.group] = approved[is_member].mean()
        assert one.rows == is_member.sum()
        assert one.approval_rate.value == pytest.approx(rates[one.group], abs=1e-12)
        assert one.declined_good_rate is not None
        assert one.declined_good_rate.value == pytest.approx(1 - approved[is_member & ~bad].mean(), abs=1e-12)
        if one.approved_bad_rate is not None:
            assert one.approved_bad_rate.value == pytest.approx(approved[is_member & bad].mean(), abs=1e-12)
    ratios = {one.group: one.approval_ratio for one in found.fairness if one.attribute == "gender"}
    assert ratios["x"] is None
    lower = min("fm", key=lambda name: rates[name])
    assert ratios[lower] == pytest.approx(min(rates["f"], rates["m"]) / max(rates["f"], rates["m"]))
    assert {one.group for one in found.fairness if one.attribute == "state"} == {"NY", "TX", "CA", "WY", MISSING}


def assert_stability_compares_with_training(found: Findings, rows: pd.DataFrame) -> None:
    edges = [GRID[step] for step in range(100, 1000, 100)]
    shares = np.bincount(np.searchsorted(edges, rows.default_probability, side="left"), minlength=10) / len(rows)
    assert found.stability is not None
    assert [one.held_out_share for one in found.stability.bins] == pytest.approx(shares.tolist(), abs=1e-12)
    assert found.stability.psi == pytest.approx(((0.1 - shares) * np.log(0.1 / shares)).sum(), abs=1e-9)


def test_without_a_cutoff_segments_are_measured_and_no_group_is_approved(scored: Callable[..., DataFrame]) -> None:
    frame = scored(borrowers().head(400), 2)
    found = findings(frame, segment_by=("state",), protected=("gender",))
    assert found.evaluation.confusion is None
    assert found.segments
    assert found.fairness == ()
    assert not {"threshold", "accuracy", "approval_rate", "lowest_approval_ratio"} & found.metrics().keys()


def test_segments_with_one_class_have_no_auc_and_come_last(
    scored: Callable[..., DataFrame],
) -> None:
    rows = borrowers().head(200).assign(good=lambda rows: np.where(rows.is_default == 0, rows.state, "TX"))
    frame = scored(rows, 3)
    found, _ = level_findings(frame, ("good",), (), id="borrower_id", threshold=0.5, least_rows=1, least_defaults=0)
    assert [one.auc is None for one in found] == [False] + [True] * (len(found) - 1)
    assert {one.defaults for one in found if one.auc is None} == {0}
    assert found[0].level == "TX"


def test_bootstrap_of_weights_is_that_of_repeated_rows(scored: Callable[..., DataFrame]) -> None:
    rows = borrowers().head(300).assign(weight=np.arange(300) % 3)
    repeated = rows.loc[rows.index.repeat(rows.weight)]
    of_weights = findings(scored(rows, 3), weight="weight", replicates=20).evaluation
    of_rows = findings(scored(repeated, 2), replicates=20).evaluation
    assert (of_weights.auc_low, of_weights.auc_high) == pytest.approx((of_rows.auc_low, of_rows.auc_high), abs=1e-12)


def test_one_error_names_all_columns_that_are_absent(scored: Callable[..., DataFrame]) -> None:
    with pytest.raises(BadConfiguration) as error:
        findings(scored(borrowers().head(20), 1), segment_by=("town", "state"), protected=("race",))
    assert len(error.value.problems) == 2


def test_evaluation_is_refused_when_weights_are_unusable(scored: Callable[..., DataFrame]) -> None:
    rows = borrowers().head(50)
    rows.loc[:2, "weight"] = [-1.0, np.nan, np.inf]
    with pytest.raises(BadInput, match=r"3 of \d+ weights are negative"):
        findings(scored(rows, 2), weight="weight")


@pytest.mark.parametrize("change", ["fewer", "repeated", "impossible"])
def test_comparison_is_refused_when_the_champion_saw_other_rows(scored: Callable[..., DataFrame], change: str) -> None:
    rows = borrowers().head(60)
    champion = rows[["borrower_id"]].assign(default_probability=rows.champion)
    changed = {
        "fewer": champion.head(59),
        "repeated": pd.concat([champion, champion.head(1)]),
        "impossible": champion.assign(default_probability=1.5),
    }[change]
    with pytest.raises(BadInput, match="not probabilities" if change == "impossible" else "same rows"):
        findings(scored(rows, 2), champion=scored(changed, 2))


def test_a_champion_that_scored_none_of_many_rows_is_refused(scored: Callable[..., DataFrame]) -> None:
    rows = borrowers().head(700)
    other = rows.assign(borrower_id="z" + rows.borrower_id)[["borrower_id", "default_probability"]]
    with pytest.raises(BadInput, match="700 of them without a score of the champion"):
        findings(scored(rows, 2), champion=scored(other, 2))


def test_the_driver_gets_a_bounded_number_of_rows_when_no_scores_tie(
    scored: Callable[..., DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = scored(borrowers().assign(default_probability=np.linspace(0, 1, ROWS)), 3)
    collect, taken = type(frame).collect, []

    def counted(rows: DataFrame) -> list[Row]:
        found = collect(rows)
        taken.append(len(found))
        return found

    monkeypatch.setattr(type(frame), "collect", counted)
    monkeypatch.setattr(evaluation, "to_curve_points", partial(score_curves.to_curve_points, cells=100))
    monkeypatch.setattr(score_curves, "GRID_STEPS", 50)
    found_on(frame, None)
    assert len(taken) <= 11
    assert max(taken) < 250 < ROWS
