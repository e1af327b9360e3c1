"""What Spark measures equals scikit-learn on the same rows, whatever the partitions, buckets and ties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn import metrics as reference

from arrears.contracts.errors import BadInput
from arrears.model.metrics.bootstrap import percentile_interval, poisson_weights
from arrears.model.metrics.rank_sums import RankSums
from spark_jobs.measuring.evaluation import findings, score_histogram, score_quantiles
from spark_jobs.transforms.scores import score_counts
from spark_jobs.transforms.scores.score_bootstrap import bootstrap_hash
from spark_jobs.transforms.scores.score_counts import bucket_count, to_score_bounds, to_score_counts, with_counts_below
from spark_jobs.transforms.scores.score_curves import to_curve_points
from spark_jobs.transforms.scores.score_ranks import rank_sums_of, to_rank_sums
from tests.sums_in_memory import rank_sums

ROWS = 1500
THRESHOLD = 0.3


def borrowers(levels: int, rows: int = ROWS, seed: int = 7) -> pd.DataFrame:
    """Scores on so many levels (few levels: many ties), and outcomes that follow them."""
    random = np.random.default_rng(seed)
    score = random.integers(0, levels + 1, rows) / levels
    outcome = (random.random(rows) < 0.05 + 0.6 * score).astype(int)
    names = [f"b{number}" for number in range(rows)]
    return pd.DataFrame({"borrower_id": names, "default_probability": score, "is_default": outcome})


def flat(sums: RankSums) -> dict[str, float]:
    """The fields of the sums and of the two parts in them."""
    plain = vars(sums) | {"defaulters": 0, "others": 0}
    return plain | {
        f"{part}_{name}": v for part in ("defaulters", "others") for name, v in vars(getattr(sums, part)).items()
    }


def exact_quantiles(scores: np.ndarray) -> list[float]:
    """In whole numbers: numpy's own ``inverted_cdf`` errs by a row where 0.018 * 1500 becomes 27.000000000000004."""
    ranks = [-(-step * scores.size // 1000) for step in range(1001)]
    return [float(np.sort(scores)[max(rank, 1) - 1]) for rank in ranks]


@pytest.fixture(autouse=True)
def small_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few hundred rows are parted into ranges as tens of millions would be."""
    monkeypatch.setattr(score_counts, "ROWS_A_BUCKET", 200)


@pytest.fixture
def scored(spark: SparkSession) -> Callable[[pd.DataFrame, int], DataFrame]:
    def build(rows: pd.DataFrame, partitions: int) -> DataFrame:
        return spark.createDataFrame(rows).repartition(partitions)

    return build


@pytest.mark.parametrize(("partitions", "levels"), [(1, 10), (3, 10**6), (7, 200)])
def test_evaluation_equals_scikit_learn_on_any_partitions(
    scored: Callable[..., DataFrame], partitions: int, levels: int
) -> None:
    rows = borrowers(levels)
    measured = findings(scored(rows, partitions), threshold=THRESHOLD)
    found, curves = measured.evaluation, measured.curves
    scores, labels = rows.default_probability.to_numpy(), rows.is_default.to_numpy()
    flagged = scores >= THRESHOLD
    precision, recall, f1, _ = reference.precision_recall_fscore_support(labels, flagged, average="binary")
    expected = {
        "auc": reference.roc_auc_score(labels, scores),
        "gini": 2 * reference.roc_auc_score(labels, scores) - 1,
        "ks": rank_sums(scores, labels).ks,
        "auc_pr": reference.average_precision_score(labels, scores),
        "log_loss": reference.log_loss(labels, scores),
        "brier": reference.brier_score_loss(labels, scores),
        "accuracy": reference.accuracy_score(labels, flagged),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "rows": ROWS,
        "defaults": labels.sum(),
    }
    assert {name: found.to_dict()[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    at = found.confusion
    assert at is not None
    assert [at.tn, at.fp, at.fn, at.tp] == reference.confusion_matrix(labels, flagged).ravel().tolist()
    assert list(curves.quantiles) == exact_quantiles(scores)
    assert (sum(curves.defaults), sum(curves.non_defaults)) == (labels.sum(), ROWS - labels.sum())


def test_interval_is_the_same_on_any_partitions_and_holds_the_auc(scored: Callable[..., DataFrame]) -> None:
    rows = borrowers(50)
    found = [findings(scored(rows, partitions), replicates=30).evaluation for partitions in (1, 7)]
    assert len({(one.auc, one.auc_low, one.auc_high) for one in found}) == 1
    assert found[0].auc_low < found[0].auc < found[0].auc_high


def test_interval_is_that_of_the_weighted_rows(scored: Callable[..., DataFrame]) -> None:
    frame = scored(borrowers(50), 3)
    rows = frame.withColumn("row_hash", bootstrap_hash(11, "borrower_id")).toPandas()
    weights = poisson_weights(rows.row_hash.to_numpy().view(np.uint64), 25)
    aucs = [rank_sums(rows.default_probability, rows.is_default, weight).auc for weight in weights]
    found = findings(frame, replicates=25, seed=11).evaluation
    assert (found.auc_low, found.auc_high) == pytest.approx(percentile_interval(aucs), abs=1e-12)


def test_all_equal_scores_are_a_coin_toss_with_one_group(scored: Callable[..., DataFrame]) -> None:
    measured = findings(scored(borrowers(50, rows=100).assign(default_probability=0.2), 3))
    found, curves = measured.evaluation, measured.curves
    assert (found.auc, found.auc_low, found.auc_high, found.ks) == (0.5, 0.5, 0.5, 0.0)
    assert curves.roc == [(0.0, 0.0), (1.0, 1.0)]
    assert [group.rows for group in curves.calibration] == [100]
    assert set(curves.quantiles) == {0.2}


@pytest.mark.parametrize("buckets", [2, 5, 64])
def test_rank_sums_do_not_depend_on_the_buckets(scored: Callable[..., DataFrame], buckets: int) -> None:
    rows = borrowers(40, rows=400)
    frame = scored(rows, 3)
    bounds = to_score_bounds(frame, buckets=buckets).first().bounds
    sums = to_rank_sums(with_counts_below(to_score_counts(frame, bounds=bounds))).first()
    expected = rank_sums(rows.default_probability, rows.is_default)
    assert flat(rank_sums_of(sums)) == pytest.approx(flat(expected), abs=1e-9)


def test_rank_sums_follow_the_weights(scored: Callable[..., DataFrame]) -> None:
    rows = borrowers(40, rows=400)
    rows["weight"] = np.arange(400) % 4
    counts = to_score_counts(scored(rows, 3), weight="weight", bounds=(0.2, 0.6))
    sums = to_rank_sums(with_counts_below(counts)).first()
    expected = rank_sums(rows.default_probability, rows.is_default, rows.weight)
    assert flat(rank_sums_of(sums)) == pytest.approx(flat(expected), abs=1e-9)


def test_few_curve_points_keep_the_area_when_scores_are_many(spark: SparkSession) -> None:
    rows = spark.range(40_000).select(
        ((F.xxhash64("id", F.lit(1)) % 10**6 / 10**6 + 1) / 2).alias("default_probability"),
        F.xxhash64("id", F.lit(2)).alias("luck"),
    )
    outcome = (F.pmod("luck", F.lit(1000)) / 1000 < F.pow("default_probability", F.lit(3))).cast("int")
    ranked = with_counts_below(to_score_counts(rows.withColumn("is_default", outcome), bounds=(0.3, 0.5, 0.8)))
    points = ranked.transform(to_curve_points, cells=200).toPandas().sort_values("score", ascending=False)
    sums = rank_sums_of(to_rank_sums(ranked).first())
    steps = np.r_[0, points.false_positive_rate], np.r_[0, points.true_positive_rate]
    assert len(points) <= 201
    assert (points.true_positive_rate.iloc[-1], points.false_positive_rate.iloc[-1]) == (1.0, 1.0)
    assert np.trapezoid(steps[1], steps[0]) == pytest.approx(sums.auc, abs=2e-4)
    assert (points.true_positive_rate - points.false_positive_rate).max() == pytest.approx(sums.ks, abs=0.01)


def test_calibration_groups_hold_a_tenth_each_in_order_of_score(scored: Callable[..., DataFrame]) -> None:
    rows = borrowers(10**6, rows=1000)
    groups = findings(scored(rows, 3)).curves.calibration
    tenths = np.array_split(rows.sort_values("default_probability"), 10)
    assert [group.rows for group in groups] == [100] * 10
    assert [group.mean_score for group in groups] == pytest.approx([t.default_probability.mean() for t in tenths])
    assert [group.default_rate for group in groups] == pytest.approx([t.is_default.mean() for t in tenths])


def test_unlabelled_scores_give_quantiles_and_a_histogram(scored: Callable[..., DataFrame]) -> None:
    rows = borrowers(300)[["default_probability"]]
    grid = score_quantiles(scored(rows, 3))
    assert grid == exact_quantiles(rows.default_probability.to_numpy())
    counts = score_histogram(scored(rows, 3))
    assert (len(counts), sum(counts)) == (200, ROWS)
    assert counts[-1] == int((rows.default_probability * 200 >= 199).sum())


def test_one_error_names_all_when_scores_and_labels_are_unusable(scored: Callable[..., DataFrame]) -> None:
    rows = borrowers(10, rows=50).astype({"is_default": float})
    rows.loc[:2, "default_probability"] = [np.nan, 1.2, -0.1]
    rows.loc[3:4, "is_default"] = [2.0, np.nan]
    without = {
        name: F.when(F.col("borrower_id") != "b9", F.col(name)) for name in ("default_probability", "is_default")
    }
    with pytest.raises(BadInput) as error:
        findings(scored(rows, 3).withColumns(without))
    assert error.value.problems == ("4 of 50 scores are not probabilities", "3 of 50 labels are not 0 or 1")


@pytest.mark.parametrize(("kept", "says"), [(-1, "no scored rows"), (0, "none of the"), (1, "all of the")])
def test_evaluation_is_refused_when_a_class_is_missing(scored: Callable[..., DataFrame], kept: int, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        findings(scored(borrowers(10, rows=50), 3).where(F.col("is_default") == kept))


def test_nothing_stays_cached_when_an_evaluation_fails(spark: SparkSession, scored: Callable[..., DataFrame]) -> None:
    before = kept(spark)  # Delta keeps the state of the tables that it has read
    with pytest.raises(BadInput):
        findings(scored(borrowers(10, rows=50), 3).where("is_default = 0"))
    assert kept(spark) <= before


def kept(spark: SparkSession) -> set[int]:
    return set(spark.sparkContext._jsc.getPersistentRDDs())


@pytest.mark.parametrize(("rows", "buckets"), [(0, 1), (399, 1), (400, 2), (10**9, 64)])
def test_buckets_grow_with_the_rows_up_to_a_limit(rows: int, buckets: int) -> None:
    assert bucket_count(rows) == buckets
