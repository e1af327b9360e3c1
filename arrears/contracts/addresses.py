"""Where each dataset and artifact lives: one place that turns names into S3 addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.locations import checked_bucket
from arrears.contracts.objectives import DEFAULT, PREFIXES

DATASET_NAME = "[a-z][a-z0-9_]{0,62}"
_SAFE_NAME = re.compile(DATASET_NAME)
_UNSAFE_IN_KEY = re.compile(r"[^A-Za-z0-9._-]+")


class Table(str, Enum):
    """The Delta tables of the pipeline. Each holds one folder per data set."""

    TRAIN = "train"
    TEST = "test"
    UNLABELLED = "unlabelled"
    TEST_SAMPLE = "test_sample"
    TRAIN_SUP = "train_sup"
    TEST_SAMPLE_INFERENCE = "test_sample_inference"
    OUTCOMES = "outcomes"

    @property
    def partition_column(self) -> str:
        """What one run overwrites: a dataset version of the training tables, a business date of the others."""
        daily = (Table.TEST_SAMPLE, Table.TEST_SAMPLE_INFERENCE, Table.OUTCOMES)
        return "as_of" if self in daily else "dataset_version"


@dataclass(frozen=True)
class Addresses:
    """Addresses under one root such as ``s3://arrears``."""

    root: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(s3://[^/]+|file:///.*[^/])(/[^/]+)*", self.root):
            raise BadConfiguration(
                f"root {self.root!r} must look like s3://bucket or s3://bucket/folder, without a closing slash"
            )

    def table(self, table: Table, dataset: str) -> str:
        """The Delta table of one data set, such as ``s3://arrears/train/lending_club``."""
        return f"{self.root}/{table.value}/{checked_dataset(dataset)}"

    def source_table(self, bank: str, table: str) -> str:
        """One table of a bank as it was delivered, such as ``s3://arrears/sources/synthetic_bank/loans``."""
        return f"{self.root}/sources/{checked_dataset(bank)}/{in_key(table)}"

    def feature_table(self, bank: str, view: str) -> str:
        """The feature store's Delta table of one view: a row per entity and moment, partitioned by processing date."""
        return f"{self.root}/features/{checked_dataset(bank)}/{in_key(view)}"

    def quarantine(self, dataset: str, table: str, partition: str) -> str:
        """Rows that broke a rule of their table's contract, as Parquet with the names of the broken rules."""
        return f"{self.artifacts}/quarantine/{checked_dataset(dataset)}/{in_key(table)}/{in_key(partition)}"

    @property
    def artifacts(self) -> str:
        """The prefix of everything that is not a table: facts, reports, models, manifests, locks."""
        return f"{self.root}/artifacts"

    def outcome(self, dag_id: str, run_id: str, task_id: str, try_number: int | str) -> str:
        """The outcome fact of one attempt of one task."""
        return f"{self.run_folder(dag_id, run_id)}/{task_id}/{try_number}.json"

    def resolved(self, dag_id: str, run_id: str) -> str:
        """The versions that one run was pinned to by its first task."""
        return f"{self.run_folder(dag_id, run_id)}/resolved.json"

    def run_folder(self, dag_id: str, run_id: str) -> str:
        """Everything that one DAG run left behind besides tables: facts, reports, plots."""
        return f"{self.artifacts}/runs/{in_key(dag_id)}/{in_key(run_id)}"

    def activations(self, dataset: str) -> str:
        """The folder of records that say which dataset version is in force from which date."""
        return f"{self.artifacts}/activations/{checked_dataset(dataset)}"

    def dataset_manifest(self, dataset: str, dataset_version: str) -> str:
        """What a dataset version is: its description, rows, digest, seed and source."""
        return f"{self.artifacts}/datasets/{checked_dataset(dataset)}/{dataset_version}.json"

    def partition_manifest(self, table: Table, dataset: str, partition: str) -> str:
        """Rows, digest and files of one written partition."""
        return f"{self.artifacts}/manifests/{table.value}/{checked_dataset(dataset)}/{partition}.json"

    def model_folder(self, dataset: str, mlflow_run_id: str) -> str:
        """The serialised model and its report, kept beside MLflow."""
        return f"{self.artifacts}/models/{checked_dataset(dataset)}/{mlflow_run_id}"

    def promotions(self, model: str) -> str:
        """The log of what was decided about a registered model: one object a decision."""
        return f"{self.artifacts}/decisions/{in_key(model)}"

    def snapshot(self, dataset: str, name: str) -> str:
        """Rows that one training run was pinned to, as plain Parquet."""
        return f"{self.artifacts}/snapshots/{checked_dataset(dataset)}/{in_key(name)}"

    def lock(self, resource: str) -> str:
        """The lock object that every writer of a shared thing holds."""
        return f"{self.artifacts}/locks/{in_key(resource)}.json"


def checked_dataset(dataset: str) -> str:
    """The data set's name, refused unless it is lower-case letters, digits and underscores."""
    if not _SAFE_NAME.fullmatch(dataset):
        raise BadConfiguration(
            f"dataset name {dataset!r} must be lower-case letters, digits and _, begin with a letter, at most 63"
        )
    return dataset


def registered_model(dataset: str, objective: str = DEFAULT) -> str:
    """The name under which a data set's models of one objective stand in the MLflow registry, such as ``pd_loans``."""
    return f"{PREFIXES[objective]}_{checked_dataset(dataset)}"


def in_key(name: str) -> str:
    """A name made safe for an S3 key and a Hadoop path: run ids hold colons and plus signs."""
    return _UNSAFE_IN_KEY.sub("-", name)


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Splits ``s3://bucket/some/key`` into bucket and key."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in ("s3", "s3a"):
        raise BadConfiguration(f"{uri!r} is not an S3 address")
    return checked_bucket(bucket, uri), key
