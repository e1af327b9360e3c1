"""Bins, counts, summaries and associations from Spark equal pandas on the same rows, however these are spread."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.feature_catalogue import FeatureLine
from arrears.model.features.binning import Bins, number_bins, quantile_edges
from arrears.model.features.exploration import Exploration
from spark_jobs.data.explored_rows import Compared, explore, halves_by_date
from spark_jobs.data.feature_power import bins_of, feature_powers, outcome, segment_counts
from spark_jobs.transforms.features import binned_counts
from spark_jobs.transforms.features.binned_counts import to_lowest_hashes

ROWS = 900
SCHEMA = (
    "borrower_id string, is_default int, age int, `in come` double, flat double, empty double, recovered double,"
    " state string, many string, none string, decided_on date"
)
NUMERIC = ("age", "in come", "flat", "empty", "recovered")
CATEGORICAL = ("state", "many", "none")


def loans(rows: int = ROWS, seed: int = 11) -> pd.DataFrame:
    """Loans with holes, ties, a constant, empty columns, sixty levels, infinite values, and one leak: recovered."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 75, rows)
    defaulted = (random.random(rows) < 0.35 - 0.004 * age).astype(int)
    income = np.where(random.random(rows) < 0.15, np.nan, np.round(random.lognormal(10, 1, rows), 2))
    income[:3] = (np.inf, -np.inf, 0.0)
    state = random.choice(["NY", "TX", "CA", None], rows, p=[0.5, 0.3, 0.1, 0.1])
    return pd.DataFrame(
        {
            "borrower_id": [f"b{n}" for n in range(rows)],
            "is_default": defaulted,
            "age": age,
            "in come": income,
            "flat": 3.0,
            "empty": np.nan,
            "recovered": np.where(defaulted == 1, np.round(random.uniform(1, 900, rows)), 0.0),
            "state": state,
            "many": [f"level {n:02}" for n in np.minimum(random.geometric(0.05, rows), 60)],
            "none": None,
            "decided_on": [
                pd.Timestamp("2024-01-01").date() + pd.Timedelta(days=int(2 * a)) if n % 20 else None
                for n, a in enumerate(age)
            ],
        }
    )


def as_frame(spark: SparkSession, rows: pd.DataFrame, partitions: int) -> DataFrame:
    """The rows spread over partitions; every other missing number is a NaN, the rest are nulls."""
    values = [
        tuple(None if value is None or (value != value and number % 2) else value for value in row)
        for number, row in enumerate(rows.astype(object).itertuples(index=False))
    ]
    return spark.createDataFrame(values, SCHEMA).repartition(partitions, F.xxhash64("age", F.lit(partitions)))


def reference_codes(rows: pd.DataFrame, bins: Bins) -> np.ndarray:
    """The bin of each row, the slow way."""
    if bins.levels is None:
        return number_bins(rows[bins.name].to_numpy(float), bins.edges)
    found = {level: n for n, level in enumerate(bins.levels)}
    return np.array([len(found) + 1 if v is None else found.get(v, len(found)) for v in rows[bins.name]])


def description() -> DatasetDescription:
    return DatasetDescription(
        name="bank",
        target="bad",
        numeric=NUMERIC,
        categorical=CATEGORICAL,
        dates=("decided_on",),
        event_time="decided_on",
        catalogue=tuple(
            FeatureLine(name, f"Meaning of {name}.", "numeric", "count", "test", "", "us")
            for name in (*NUMERIC, *CATEGORICAL)
        ),
    )


@pytest.fixture(autouse=True)
def small_batches(spark: SparkSession) -> Iterator[None]:
    """A task gets several batches of rows, as it does of millions."""
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "200")
    yield
    spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def explored(rows: DataFrame, compared: Compared | None) -> Exploration:
    return explore(
        rows, description(), table="train", partition="v1", key="borrower_id", seed=42, bins=10, compared=compared
    )


def test_bins_and_counts_equal_pandas_and_do_not_depend_on_partitions(spark: SparkSession) -> None:
    rows = loans()
    by_partitions = []
    for partitions in (1, 3, 7):
        frame = as_frame(spark, rows, partitions)
        bins = bins_of(frame, numeric=NUMERIC, categorical=CATEGORICAL, key="borrower_id", seed=1, bins=10)
        cells = segment_counts(frame, bins, segment=outcome("is_default"), segments=2)
        by_partitions.append((bins, [c.tolist() for c in cells]))

    bins, cells = by_partitions[0]
    assert by_partitions[1] == by_partitions[2] == by_partitions[0]
    assert [b.name for b in bins] == [*NUMERIC, *CATEGORICAL]
    for b, counted in zip(bins, cells, strict=True):
        if b.levels is None:
            assert b.edges == quantile_edges(rows[b.name].to_numpy(float), 10)
        expected = np.zeros((b.size, 2), int)
        np.add.at(expected, (reference_codes(rows, b), rows["is_default"].to_numpy()), 1)
        assert counted == expected.tolist(), b.name
    many = rows["many"].value_counts()
    assert bins[6].levels == tuple(sorted(many.index, key=lambda level: (-many[level], level))[:50])
    assert bins[7].levels == ()


def test_an_exploration_equals_pandas_and_does_not_depend_on_partitions(spark: SparkSession) -> None:
    rows = loans()
    frames = [as_frame(spark, rows, partitions) for partitions in (1, 7)]
    found, other = (explored(frame, halves_by_date(frame, "decided_on")) for frame in frames)

    assert_summaries(found, rows)
    assert_drift(found, rows)
    names = found.associations.names
    strengths = np.array(found.associations.strengths)
    finite = rows.replace([np.inf, -np.inf], np.nan)
    correlation = strengths[names.index("age"), names.index("in come")]
    assert correlation == pytest.approx(finite["age"].corr(finite["in come"]), abs=1e-9)
    assert np.isnan(strengths[names.index("flat"), names.index("age")])
    assert found.features[0].meaning == "Meaning of age (count)."
    assert found.by_information[0].name == "recovered"
    assert strengths == pytest.approx(np.array(other.associations.strengths), abs=1e-9, nan_ok=True)
    for one, two in zip(found.features, other.features, strict=True):
        assert dataclasses.replace(one, numbers=None) == dataclasses.replace(two, numbers=None)


def assert_summaries(found: Exploration, rows: pd.DataFrame) -> None:
    assert (found.rows, found.defaults, found.sampled_rows) == (ROWS, rows["is_default"].sum(), ROWS)
    for feature in found.features:
        values = rows[feature.name].dropna()
        assert feature.counts.missing_share == pytest.approx(1 - len(values) / ROWS)
        assert feature.distinct_count == values.nunique()
        assert sum(feature.histogram.rows) == ROWS
        finite = values[np.isfinite(values)] if feature.counts.bins.levels is None else values[:0]
        if finite.empty:
            assert feature.numbers is None
            continue
        assert feature.numbers is not None
        summary = (feature.numbers.mean, feature.numbers.deviation, feature.numbers.minimum, feature.numbers.maximum)
        assert summary == pytest.approx((finite.mean(), finite.std(), finite.min(), finite.max()), rel=1e-9)
        assert feature.numbers.quantiles[0.5] == np.quantile(values, 0.5, method="inverted_cdf")


def assert_drift(found: Exploration, rows: pd.DataFrame) -> None:
    """The drift is that of the ages before and from the median day on."""
    assert found.compared is not None
    age = found.features[0]
    dated = rows["decided_on"].notna()
    is_later = rows["decided_on"].map(str) >= found.compared[1].split()[1]
    earlier, later = dated & ~is_later, dated & is_later
    shares = [
        np.bincount(reference_codes(rows[side], age.counts.bins), minlength=age.counts.bins.size) / side.sum()
        for side in (earlier, later)
    ]
    floors = [
        np.where(share == 0, 0.5 / side.sum(), share) for share, side in zip(shares, (earlier, later), strict=True)
    ]
    expected = np.where((shares[0] == 0) & (shares[1] == 0), 0, (shares[0] - shares[1]) * np.log(floors[0] / floors[1]))
    assert age.drift == pytest.approx(expected.sum(), abs=1e-12)
    assert 0.4 < later.mean() < 0.6
    assert age.drift > 1 > (found.features[4].drift or 0)


def test_a_leak_shows_its_power_and_noise_does_not(spark: SparkSession) -> None:
    rows = as_frame(spark, loans(), 3)
    powers = feature_powers(
        rows, numeric=NUMERIC, categorical=CATEGORICAL, label="is_default", key="borrower_id", seed=42
    )
    by_name = {power.name: power for power in powers}
    assert list(by_name) == [*NUMERIC, *CATEGORICAL]
    assert by_name["recovered"].auc == 1.0
    assert by_name["recovered"].purest_rate in (0.0, 1.0)
    assert abs(by_name["many"].auc - 0.5) < 0.08
    assert by_name["flat"].auc == by_name["empty"].auc == by_name["none"].auc == 0.5
    assert by_name["flat"].information_value == 0.0


def test_other_rows_and_rows_without_labels_can_be_compared(spark: SparkSession) -> None:
    rows = as_frame(spark, loans(300), 2).drop("is_default")
    found = explored(rows, Compared(("before", "now"), earlier=rows.where("age < 40")))
    assert found.defaults is None
    assert [feature.power for feature in found.features] == [None] * 8
    assert found.compared == ("before", "now")
    assert (found.features[0].drift or 0) > 0.5
    assert found.features[2].drift == 0.0
    one_day = rows.where("decided_on = (SELECT min(decided_on) FROM VALUES (DATE'2024-02-06') AS t(decided_on))")
    assert halves_by_date(one_day, "decided_on") is None


def test_the_sample_is_bounded_in_rows_and_cells(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = as_frame(spark, loans(200), 3)
    chosen = [
        {row["borrower_id"] for row in to_lowest_hashes(frame, key="borrower_id", seed=7, at_most=50).collect()}
        for frame in (rows, rows.repartition(5, "in come"))
    ]
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 50
    monkeypatch.setattr(binned_counts, "SAMPLED_CELLS", 160)
    told = binned_counts.to_bins(
        rows, numeric=NUMERIC, categorical=CATEGORICAL, key="borrower_id", seed=7, bins=5
    ).collect()
    assert {row["row_count"] for row in told} == {20}


def test_no_rows_and_no_features_are_no_error(spark: SparkSession) -> None:
    rows = as_frame(spark, loans(20), 2).where("age < 0")
    given = {"label": "is_default", "key": "borrower_id", "seed": 1}
    assert {p.auc for p in feature_powers(rows, numeric=NUMERIC, categorical=CATEGORICAL, **given)} == {0.5}
    assert feature_powers(rows, numeric=(), categorical=(), **given) == []
