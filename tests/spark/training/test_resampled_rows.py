"""Resampling makes a default count k times in training rows alone, and its correction undoes it."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from sklearn.linear_model import LogisticRegression

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.model.fitting.resampling import Resampling, ResamplingKind, resampling
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.training.resampled_rows import to_class_counts, to_resampled_rows

ROWS = 12_000
SHARDS = (-2, -1, 0, 0, 0, 0, 1, 1, 1, 1)


@pytest.fixture(scope="module")
def population() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two features, the true default probability (about 8 % in the mean), and what happened."""
    random = np.random.default_rng(3)
    features = random.normal(size=(ROWS, 2))
    truth = 1 / (1 + np.exp(-(features @ np.array([1.0, -0.6]) - 2.9)))
    return features, truth, (random.random(ROWS) < truth).astype(int)


@pytest.fixture(scope="module")
def rows(spark_session: SparkSession, population: tuple[np.ndarray, np.ndarray, np.ndarray]) -> DataFrame:
    records = [(n, int(label), SHARDS[n % 10]) for n, label in enumerate(population[2])]
    frame = spark_session.createDataFrame(records, "number int, is_default int, shard int")
    return frame.withColumn("row_order", hash_of(1, "order", "number")).cache()


def resampled(rows: DataFrame, kind: ResamplingKind, factor: float, *, seed: int = 5) -> list[Row]:
    return to_resampled_rows(rows, Resampling(kind, factor), seed=seed).collect()


def counts(rows: list[Row]) -> Counter[tuple[int, int]]:
    return Counter((row["shard"], row["is_default"]) for row in rows)


@pytest.mark.parametrize(("kind", "factor"), [("over", 3.0), ("over", 2.4), ("under", 4.0), ("under", 2.4)])
def test_a_default_counts_k_times_in_each_training_shard_and_slices_stay(
    rows: DataFrame, kind: ResamplingKind, factor: float
) -> None:
    before, after = counts(rows.collect()), counts(resampled(rows, kind, factor))
    for shard in (-2, -1):
        assert (after[shard, 0], after[shard, 1]) == (before[shard, 0], before[shard, 1])
    for shard in (0, 1):
        other = 0 if kind == "over" else 1
        assert after[shard, other] == before[shard, other]
        if kind == "under":
            assert after[shard, 0] == math.floor(before[shard, 0] / factor + 0.5)
        else:
            whole, rest = divmod(factor, 1)
            assert after[shard, 1] == whole * before[shard, 1] + math.floor(before[shard, 1] * rest + 0.5)


def test_every_copy_is_whole_and_has_an_order_of_its_own(rows: DataFrame) -> None:
    copied = resampled(rows, "over", 3.0)
    per_row = Counter(row["number"] for row in copied if row["is_default"] and row["shard"] >= 0)
    assert set(per_row.values()) == {3}
    assert len({row["row_order"] for row in copied}) == len(copied)


def test_the_choice_depends_on_the_seed_and_not_on_the_partitioning(rows: DataFrame) -> None:
    def kept(found: list[Row]) -> Counter[tuple[int, int]]:
        return Counter((row["number"], row["row_order"]) for row in found)

    for kind, factor in (("over", 1.5), ("under", 3.0)):
        here = kept(resampled(rows, kind, factor))
        assert kept(resampled(rows.repartition(5), kind, factor)) == here
        assert kept(resampled(rows, kind, factor, seed=6)) != here


def test_classes_are_counted_on_training_rows_alone(rows: DataFrame) -> None:
    before = counts(rows.collect())
    (found,) = to_class_counts(rows).collect()
    assert found["defaults"] == before[0, 1] + before[1, 1]
    assert found["non_defaults"] == before[0, 0] + before[1, 0]


@pytest.mark.parametrize(("kind", "factor"), [("class_weights", 5.0), ("over", 5.0), ("under", 5.0), ("over", 0.0)])
def test_correction_brings_back_the_calibration_of_no_sampling(
    rows: DataFrame,
    population: tuple[np.ndarray, np.ndarray, np.ndarray],
    kind: ResamplingKind,
    factor: float,
) -> None:
    features, truth, labels = population
    held_out = np.array([SHARDS[n % 10] < 0 for n in range(ROWS)])
    chosen = resampling(kind, factor, non_defaults=int((labels == 0).sum()), defaults=int(labels.sum()))
    numbers = [row["number"] for row in to_resampled_rows(rows, chosen, seed=5).collect() if row["shard"] >= 0]
    weights = np.where(labels[numbers] == 1, chosen.class_weights[1], chosen.class_weights[0])
    plain = LogisticRegression().fit(features[~held_out], labels[~held_out])
    model = LogisticRegression().fit(features[numbers], labels[numbers], sample_weight=weights)
    without = plain.predict_proba(features[held_out])[:, 1]
    raw = model.predict_proba(features[held_out])[:, 1]
    assert chosen.correction is not None
    corrected = chosen.correction.apply(raw)
    noise = math.sqrt(truth[held_out].mean() / held_out.sum())  # of the share of defaults that is observed
    assert abs(corrected.mean() - without.mean()) < noise
    assert abs(calibration_error(corrected, truth[held_out]) - calibration_error(without, truth[held_out])) < noise
    assert raw.mean() > without.mean() + 10 * noise
    assert calibration_error(raw, truth[held_out]) > calibration_error(without, truth[held_out]) + 10 * noise


def calibration_error(scores: np.ndarray, truth: np.ndarray) -> float:
    """Expected calibration error over tenths, against the true probabilities, which have no noise of their own."""
    tenths = np.array_split(np.argsort(scores), 10)
    return sum(abs(scores[tenth].mean() - truth[tenth].mean()) * len(tenth) / len(scores) for tenth in tenths)


def test_balanced_sampling_makes_both_classes_count_alike() -> None:
    assert resampling("over", 0.0, non_defaults=900, defaults=100) == Resampling("over", 9.0)
    assert resampling("class_weights", 0.0, non_defaults=100, defaults=900).class_weights == (1.0, 100 / 900)


@pytest.mark.parametrize(("kind", "factor"), [("over", 0.5), ("under", 0.5), ("over", 0.0)])
def test_resampling_by_less_than_one_is_refused_with_what_to_do(kind: ResamplingKind, factor: float) -> None:
    with pytest.raises(BadConfiguration, match=r"at least 1.*use class_weights"):
        resampling(kind, factor, non_defaults=100, defaults=900)


def test_one_class_cannot_be_resampled() -> None:
    with pytest.raises(BadInput, match="0 of 100 training rows are defaults"):
        resampling("over", 2.0, non_defaults=100, defaults=0)


def test_no_sampling_needs_no_correction_and_changes_nothing(rows: DataFrame) -> None:
    nothing = resampling("none", 3.0, non_defaults=1, defaults=0)
    assert (nothing.correction, nothing.class_weights, nothing.changes_rows) == (None, (1.0, 1.0), False)
    assert to_resampled_rows(rows, nothing, seed=1) is rows


def test_a_validation_slice_is_weighted_as_the_training_rows_are_resampled() -> None:
    assert Resampling("over", 3.0).stopping_weights == (1.0, 3.0)
    assert Resampling("under", 3.0).stopping_weights == (1.0, 3.0)
    assert Resampling("class_weights", 3.0).stopping_weights == (1.0, 1.0)
