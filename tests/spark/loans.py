"""Loans for tests: valid by default, each test states only what matters. And where the real sets lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.job_configs.jobs import GenerateDataConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.transforms.borrowers.borrowers import to_borrowers
from spark_jobs.transforms.borrowers.splits import PART, with_random_part

DESCRIPTION = DatasetDescription(
    name="bank",
    target="bad",
    good_when="0",
    id="number",
    numeric=("income",),
    categorical=("state",),
    kept=("loss",),
    excluded=("recovered",),
)
SCHEMA = "number bigint, income double, state string, loss int, recovered double, bad int"


def a_loan(number: int | None, **different: Any) -> dict[str, Any]:
    """One valid loan; every third defaults."""
    bad = int((number or 0) % 3 == 0)
    state = ("NY", "TX")[(number or 0) % 2]
    return {
        "number": number,
        "income": 100.0 * (number or 0),
        "state": state,
        "loss": 40 * bad,
        "recovered": 1.0,
        "bad": bad,
    } | different


def loans_of(spark: SparkSession, *loans: dict[str, Any], schema: str = SCHEMA) -> DataFrame:
    """A frame of these loans."""
    columns = [column.split()[0] for column in schema.split(", ")]
    return spark.createDataFrame([tuple(loan[column] for column in columns) for loan in loans], schema)


def many_loans(spark: SparkSession, count: int) -> DataFrame:
    """So many valid loans."""
    return loans_of(spark, *(a_loan(number) for number in range(1, count + 1)))


def many_borrowers(spark: SparkSession, count: int) -> DataFrame:
    """So many valid borrowers."""
    return to_borrowers(many_loans(spark, count), DESCRIPTION)


def real(name: str) -> str:
    """The path of a real, public data set; the test skips where they are not at hand."""
    beside = Path(__file__).resolve().parents[2].parent / "shared/data"
    path = Path(os.environ.get("ARREARS_TEST_DATA") or beside) / f"{name}.parquet"
    if not path.is_file():
        pytest.skip(f"no {name}.parquet: set ARREARS_TEST_DATA to the folder of real data sets")
    return str(path)


def a_config(**given: Any) -> GenerateDataConfig:
    """A configuration that names only what matters."""
    return GenerateDataConfig(**{"as_of": "2026-01-31", "dataset": "bank"} | given)


def to_train_and_test(borrowers: DataFrame, *, test_share: float, seed: int) -> tuple[DataFrame, DataFrame]:
    """Both sides of a random split."""
    parted = with_random_part(borrowers, test_share=test_share, seed=seed)
    return parted.where(f"{PART} = 'train'").drop(PART), parted.where(f"{PART} = 'test'").drop(PART)
