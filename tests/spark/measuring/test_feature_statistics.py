"""Statistics of training rows are those that pandas finds, whatever the partitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from arrears.scoring.preparation import OutlierLimits
from spark_jobs.transforms.features import feature_statistics
from spark_jobs.transforms.features.feature_statistics import (
    _measured,
    _merged,
    _nothing,
    _with_parts,
    to_levels,
    to_number_statistics,
    to_quantiles,
    to_sample,
    without_outliers,
)

ROWS = 600
NUMERIC, CATEGORICAL = ("income", "age", "odd name"), ("state", "purpose")
SCHEMA = "income double, age bigint, `odd name` double, state string, purpose string, is_default int, row_order bigint"


@pytest.fixture(scope="module")
def borrowers() -> pd.DataFrame:
    random = np.random.default_rng(4)
    income = np.round(random.lognormal(3, 1, ROWS), 1)
    state = random.choice(["NY", "TX", "CA", "XX"], ROWS, p=[0.4, 0.4, 0.199, 0.001])
    return pd.DataFrame(
        {
            "income": np.where(random.random(ROWS) < 0.1, np.nan, income),
            "age": random.integers(18, 80, ROWS),
            "odd name": np.full(ROWS, np.nan),
            "state": np.where(random.random(ROWS) < 0.05, None, state),
            "purpose": np.array([f"p{number}" for number in range(ROWS - 2)] + ["car", "car"]),
            "is_default": (random.random(ROWS) < 0.3).astype(int),
            "row_order": random.permutation(ROWS).astype(np.int64) * 7 - 1000,
        }
    )


def frame(spark: SparkSession, borrowers: pd.DataFrame) -> DataFrame:
    """The borrowers, half of the missing incomes as NaN and half as null, and one of them infinite."""
    records = [[None if pd.isna(v) else v for v in row] for row in borrowers.astype(object).itertuples(index=False)]
    for number, record in enumerate(record for record in records if record[0] is None):
        record[0] = float("nan") if number % 2 else None
    records.append([float("inf"), 20, None, "NY", "car", 0, 10**6])
    return spark.createDataFrame(records, SCHEMA)


@pytest.fixture(scope="module")
def rows(spark_session: SparkSession, borrowers: pd.DataFrame) -> DataFrame:
    return frame(spark_session, borrowers)


def test_moments_and_missing_values_are_counted_in_one_pass(
    spark: SparkSession, rows: DataFrame, borrowers: pd.DataFrame
) -> None:
    found = to_number_statistics(rows.repartition(3), NUMERIC, CATEGORICAL).collect()
    features, income = {row["feature"]: row for row in found}, borrowers["income"]
    assert {row["row_count"] for row in found} == {ROWS + 1}
    assert features["income"]["mean"] == pytest.approx(income.mean())
    assert features["income"]["deviation"] == pytest.approx(income.std())
    missing = {name: features[name]["missing"] for name in (*NUMERIC, *CATEGORICAL)}
    expected = {"income": income.isna().sum(), "age": 0, "odd name": ROWS + 1, "state": borrowers["state"].isna().sum()}
    assert missing == {**expected, "purpose": 0}
    assert features["odd name"]["mean"] is None
    assert features["state"]["mean"] is None


@given(
    parts=st.lists(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9), st.just(math.inf)), max_size=6), max_size=5),
    offset=st.sampled_from([0.0, 1e12]),
)
def test_moments_of_parts_are_those_of_all_rows_far_from_zero_too(parts: list[list[Any]], offset: float) -> None:
    shifted = [[None if value is None else value + offset for value in part] for part in parts]
    found = _nothing(1)
    for part in shifted:
        found = _merged(found, _measured(pa.RecordBatch.from_pydict({"x": pa.array(part, pa.float64())})))

    values = np.array([value for part in shifted for value in part if value is not None and math.isfinite(value)])
    rows, missing, known, mean, squares = found[:, 0]
    assert (rows, missing) == (sum(map(len, shifted)), sum(value is None for part in shifted for value in part))
    assert known == len(values)
    if len(values):
        assert mean == pytest.approx(values.mean(), rel=1e-12, abs=1e-3 * 1e-9)
        assert squares == pytest.approx(((values - values.mean()) ** 2).sum(), rel=1e-6, abs=1e-2 if offset else 1e-3)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-9, 9)), max_size=12), st.integers(0, 12))
def test_parts_may_come_in_any_order_and_be_cut_anywhere(given_parts: list[tuple[int, float]], cut: int) -> None:
    places = np.array([place for place, _ in given_parts], np.int32)
    parts = np.array([[1.0, 0.0, 1.0, value, 0.0] for _, value in given_parts]).reshape(-1, 5).T

    whole = _with_parts(_nothing(4), places, parts)
    halves = _with_parts(_with_parts(_nothing(4), places[:cut], parts[:, :cut]), places[cut:], parts[:, cut:])

    assert whole == pytest.approx(halves, abs=1e-9)
    for place in range(4):
        values = [value for at, value in given_parts if at == place]
        assert whole[2, place] == len(values)
        assert whole[3, place] == pytest.approx(np.mean(values) if values else 0.0, abs=1e-9)


def test_nothing_is_measured_of_no_rows(spark: SparkSession, rows: DataFrame) -> None:
    found = to_number_statistics(rows.where("income < -1"), ("income",), ("state",)).collect()
    assert [tuple(row) for row in found] == [("income", 0, 0, None, None), ("state", 0, 0, None, None)]


def test_quantiles_are_exact_and_leave_missing_and_infinite_numbers_out(
    spark: SparkSession, rows: DataFrame, borrowers: pd.DataFrame
) -> None:
    shares = (0.1, 0.5, 0.9)
    (found,) = to_quantiles(rows, {"income": shares, "age": (0.5,), "odd name": (0.5,)}).collect()
    assert found["income"] == pytest.approx(borrowers["income"].quantile(shares).tolist())
    assert found["age"] == [borrowers["age"].to_list() and float(np.median([*borrowers["age"], 20]))]
    assert found["odd name"] is None


def test_a_sample_is_the_first_rows_of_the_order_and_narrower_for_many_columns(
    spark: SparkSession, rows: DataFrame, borrowers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_statistics, "SAMPLE_CELLS", 100)
    first = borrowers.sort_values("row_order").head(50)
    taken = to_sample(rows.repartition(3), ["age", "purpose"]).collect()
    assert sorted(row["purpose"] for row in taken) == sorted(first["purpose"])


def test_rare_levels_are_added_up_and_the_commonest_is_always_listed(
    spark: SparkSession, rows: DataFrame, borrowers: pd.DataFrame
) -> None:
    found: dict[tuple[str, str, str | None], tuple[int, int]] = {
        (row["feature"], row["kind"], row["level"]): (row["non_defaults"], row["defaults"])
        for row in to_levels(rows, CATEGORICAL, row_count=ROWS + 1).collect()
    }
    bad = borrowers["is_default"] == 1
    tx, unknown = borrowers["state"] == "TX", borrowers["state"].isna()
    assert found["state", "level", "TX"] == ((tx & ~bad).sum(), (tx & bad).sum())
    assert found["state", "missing", None] == ((unknown & ~bad).sum(), (unknown & bad).sum())
    # 601 rows: a level needs four; of the purposes only the commonest is listed although it has three.
    assert {level for feature, kind, level in found if feature == "purpose" and kind == "level"} == {"car"}
    assert sum(found["purpose", "other", None]) == ROWS - 2
    assert sum(map(sum, found.values())) == 2 * (ROWS + 1)


def test_rows_beyond_a_limit_go_and_rows_without_a_value_stay(
    spark: SparkSession, rows: DataFrame, borrowers: pd.DataFrame
) -> None:
    limits = [OutlierLimits("income", 5.0, 50.0, "drop"), OutlierLimits("odd name", 0.0, 1.0, "drop")]
    within = borrowers["income"].isna() | borrowers["income"].between(5.0, 50.0)
    assert without_outliers(rows, limits).count() == within.sum()


def test_no_partitioning_changes_quantiles_levels_or_the_sample(
    spark: SparkSession, rows: DataFrame, borrowers: pd.DataFrame
) -> None:
    def learnt(partitions: int) -> list[Any]:
        dealt = rows.repartition(partitions)
        quantiles = to_quantiles(to_sample(dealt, ["income"]), {"income": (0.1, 0.33, 0.5)}).collect()
        return [quantiles, sorted(map(str, to_levels(dealt, CATEGORICAL, row_count=ROWS + 1).collect()))]

    first = learnt(1)
    assert learnt(3) == first
    assert learnt(7) == first
