"""A small bank on a local disk: a data set in train and test, a day of new data, and an MLflow registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.addresses import Addresses, Table
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.objects import Objects
from spark_jobs.io.tables import overwrite_partition

DATASET = "small_bank"
VERSION = "v1"
AS_OF = "2026-01-31"
BORROWERS = 1200
DESCRIPTION = DatasetDescription(
    name=DATASET, target="is_default", numeric=("income", "age"), categorical=("state",), floors={"auc_low": 0.6}
)


@dataclass(frozen=True)
class Bank:
    """Where the small bank's data lie."""

    root: str

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.root)


def borrowers(count: int = BORROWERS, seed: int = 5) -> pd.DataFrame:
    """Borrowers whose income and state decide their default, with some values missing."""
    random = np.random.default_rng(seed)
    income, state = random.normal(size=count), random.choice(["NY", "TX", "CA"], count)
    logit = income - (state == "NY") - 1
    return pd.DataFrame(
        {
            "borrower_id": [f"b{number}" for number in range(count)],
            "income": np.where(random.random(count) < 0.05, np.nan, income),
            "age": random.integers(18, 80, count),
            "state": np.where(random.random(count) < 0.05, None, state),
            "is_default": (random.random(count) < 1 / (1 + np.exp(-logit))).astype(np.int32),
        }
    )


@contextmanager
def local_registry(folder: Path) -> Iterator[None]:
    """MLflow without a server, on a database in a folder, for the length of the block."""
    before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "_MLFLOW_SERVER_ARTIFACT_ROOT")}
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    here = Path.cwd()
    os.chdir(folder)  # without a server MLflow keeps a run's files below the working directory
    try:
        yield
    finally:
        os.chdir(here)
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def found(spark: SparkSession, folder: Path) -> Bank:
    """Writes the bank's tables, manifest, activation and one day of new data."""
    bank = Bank(folder.as_uri())
    rows = borrowers()
    for table, part in ((Table.TRAIN, rows[: BORROWERS // 2]), (Table.TEST, rows[BORROWERS // 2 :])):
        overwrite_partition(frame(spark, part), bank.addresses, table, DATASET, VERSION)
    write_day(spark, bank, AS_OF, rows[-100:])
    objects = Objects()
    objects.put_json(bank.addresses.dataset_manifest(DATASET, VERSION), {"description": DESCRIPTION.to_dict()})
    objects.put_json(f"{bank.addresses.activations(DATASET)}/{AS_OF}.json", {"dataset_version": VERSION})
    return bank


def write_day(spark: SparkSession, bank: Bank, as_of: str, rows: pd.DataFrame) -> None:
    """Writes one day of ``test_sample``."""
    sample = rows.drop(columns="is_default").assign(sample_id=rows["borrower_id"] + f"-{as_of}")
    overwrite_partition(frame(spark, sample), bank.addresses, Table.TEST_SAMPLE, DATASET, as_of)


def frame(spark: SparkSession, rows: pd.DataFrame) -> DataFrame:
    """Borrowers as a Spark table, NaN and None as null."""
    kinds = {"income": "double", "age": "bigint", "is_default": "int"}
    schema = ", ".join(f"{name} {kinds.get(name, 'string')}" for name in rows.columns)
    records = [
        [None if pd.isna(value) else value for value in record]
        for record in rows.astype(object).itertuples(index=False)
    ]
    return spark.createDataFrame(records, schema)
