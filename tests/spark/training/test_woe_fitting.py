"""Preparations learnt on Spark: planted truths are found, and no partitioning changes a digit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.scoring.columns import MISSING_LEVEL
from arrears.scoring.preparation import Preparation
from arrears.scoring.woe import EvidenceTable
from spark_jobs.training.learnt_preparation import learnt_preparation

ROWS = 3000
STEP = 0.5  # incomes above it default far less often
DESCRIPTION = DatasetDescription(name="d", target="is_default", numeric=("income", "noise"), categorical=("state",))


@pytest.fixture(scope="module")
def borrowers() -> pd.DataFrame:
    random = np.random.default_rng(8)
    income, state = random.normal(size=ROWS), random.choice(["NY", "TX", "CA"], ROWS, p=[0.5, 0.3, 0.2])
    missing = random.random(ROWS) < 0.1
    risk = np.where(missing, 0.6, np.where(income > STEP, 0.05, 0.4)) * np.where(state == "TX", 0.5, 1.0)
    return pd.DataFrame(
        {
            "income": np.where(missing, np.nan, income),
            "noise": random.integers(0, 5, ROWS).astype(float),
            "state": np.where(random.random(ROWS) < 0.1, None, state),
            "is_default": (random.random(ROWS) < risk).astype(int),
            "row_order": random.integers(-(2**62), 2**62, ROWS),
        }
    )


@pytest.fixture(scope="module")
def rows(spark_session: SparkSession, borrowers: pd.DataFrame) -> DataFrame:
    records = [[None if pd.isna(v) else v for v in row] for row in borrowers.astype(object).itertuples(index=False)]
    schema = "income double, noise double, state string, is_default int, row_order bigint"
    return spark_session.createDataFrame(records, schema).cache()


def learnt(rows: DataFrame, **chosen: Any) -> Preparation:
    config = TrainModelConfig(root="file:///nowhere", dataset="d", dataset_version="v", **chosen)
    return learnt_preparation(rows, config, DESCRIPTION)


@pytest.fixture(scope="module")
def weighed(rows: DataFrame) -> Preparation:
    return learnt(rows.repartition(3), encoding="woe")


def counted(borrowers: pd.DataFrame, table: EvidenceTable) -> list[tuple[int, int]]:
    """Rows of each class in each bin of a table, missing last, as one would count them by hand."""
    if table.levels:
        place = borrowers[table.column].map(
            {level: number for number, levels in enumerate(table.levels) for level in levels}
        )
    else:
        place = pd.cut(borrowers[table.column], [-math.inf, *table.edges, math.inf], labels=False)
    place = place.fillna(len(table.bins))
    classes = [borrowers["is_default"] == outcome for outcome in (0, 1)]
    bins = range(len(table.bins) + 1)
    return [tuple(int(((place == number) & outcome).sum()) for outcome in classes) for number in bins]  # type: ignore[misc]


def test_tables_hold_the_exact_counts_and_the_formulas_of_all_training_rows(
    weighed: Preparation, borrowers: pd.DataFrame
) -> None:
    good, bad = (borrowers["is_default"] == 0).sum(), (borrowers["is_default"] == 1).sum()
    assert [table.column for table in weighed.evidence] == ["income", "noise", "state"]
    for table in weighed.evidence:
        lines = (*table.bins, table.missing)
        assert [(line.non_defaults, line.defaults) for line in lines] == counted(borrowers, table)
        used = [line for line in lines if line.non_defaults]
        woe = [math.log((line.non_defaults / good) / (line.defaults / bad)) for line in used]
        assert [line.woe for line in used] == pytest.approx(woe, abs=1e-12)
        shares = [line.non_defaults / good - line.defaults / bad for line in used]
        assert table.information_value == pytest.approx(float(np.dot(shares, woe)), abs=1e-12)


def test_bins_are_monotone_and_the_planted_step_and_ranking_are_found(weighed: Preparation) -> None:
    income, noise, state = weighed.evidence
    for table in weighed.evidence:
        woe = [line.woe for line in table.bins]
        assert woe == sorted(woe) or woe == sorted(woe, reverse=True)
        assert all(line.non_defaults + line.defaults >= 0.045 * ROWS for line in table.bins)
    nearest = min(abs(edge - STEP) for edge in income.edges)
    assert nearest < 0.1
    assert income.missing.woe < min(line.woe for line in income.bins)
    assert state.levels[0] == ("TX",)
    assert noise.information_value < 0.02 < state.information_value < income.information_value


def test_no_partitioning_changes_a_preparation(rows: DataFrame, weighed: Preparation) -> None:
    for partitions in (1, 7):
        assert learnt(rows.repartition(partitions), encoding="woe") == weighed
    everything = {
        "missing": "fill",
        "missing_flags": "add",
        "outliers": "clip",
        "outlier_deviations": 2.0,
        "encoding": "one_hot",
        "deciles": ("income",),
        "interactions": ("income*noise", "noise/income"),
    }
    assert learnt(rows.repartition(7), **everything) == learnt(rows.repartition(1), **everything)


def test_fills_limits_and_deciles_are_those_of_pandas(rows: DataFrame, borrowers: pd.DataFrame) -> None:
    found = learnt(rows, missing="fill", missing_flags="add", outliers="clip", deciles=("income",))
    income = borrowers["income"]
    assert found.missing_flags == ("income", "state")
    assert found.number_fills == {"income": pytest.approx(income.median()), "noise": borrowers["noise"].median()}
    assert found.level_fills == {"state": "NY"}
    low, high = (income.mean() + side * 3 * income.std() for side in (-1, 1))
    assert (found.outliers[0].low, found.outliers[0].high) == pytest.approx((low, high), abs=1e-5)
    filled = income.clip(low, high).fillna(income.median())
    assert found.deciles[0].edges == pytest.approx(np.unique(filled.quantile(np.arange(1, 10) / 10)), abs=1e-5)
    assert found.evidence == ()


def test_what_is_dropped_teaches_nothing(rows: DataFrame, borrowers: pd.DataFrame) -> None:
    found = learnt(rows, outliers="drop", outlier_deviations=1.0, missing="fill", encoding="woe")
    kept = borrowers
    for step in found.outliers:
        kept = kept[kept[step.column].isna() | kept[step.column].between(step.low, step.high)]
    assert len(kept) < len(borrowers)
    assert found.number_fills["income"] == pytest.approx(kept["income"].median())
    for table in found.evidence:
        filled = kept.fillna({"income": found.number_fills["income"], "state": "NY"})
        lines = (*table.bins, table.missing)
        assert [(line.non_defaults, line.defaults) for line in lines] == counted(filled, table)


def test_missing_values_are_a_level_of_their_own_unless_they_are_filled(rows: DataFrame) -> None:
    (native,) = learnt(rows, encoding="one_hot").levels
    assert native.levels == ("NY", "TX", "CA", MISSING_LEVEL)
    (filled,) = learnt(rows, encoding="one_hot", missing="fill").levels
    assert filled.levels == ("NY", "TX", "CA")


def test_constants_are_learnt_from_nothing_and_defaults_touch_no_row(rows: DataFrame) -> None:
    assert learnt(rows.where(F.raise_error(F.lit("rows were read")).isNull())) == Preparation()
    assert learnt(rows, missing="constant").number_fills == {"income": 0.0, "noise": 0.0}


def test_a_choice_that_does_not_fit_the_features_is_told_with_all_others(rows: DataFrame) -> None:
    with pytest.raises(BadConfiguration) as error:
        learnt(rows, deciles=("state", "income", "income"), interactions=("income*state", "income", "income/noise"))
    assert error.value.problems == (
        "income is asked for twice",
        "deciles: state is no numeric feature",
        "interactions: income*state is not a*b or a/b of numeric features",
        "interactions: income is not a*b or a/b of numeric features",
    )
