"""Training refuses data that leak, unless a reason is given; then the reason stays with the model."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.data.leak_check import LeakCheck, checked_for_leaks
from spark_jobs.io.tables import overwrite_partition
from spark_jobs.jobs import train_model
from spark_jobs.objectives.objective_rows import rows_of_both_sides
from tests.jobs.models.model_world import DATASET, DESCRIPTION, Bank, borrowers, frame, local_registry

REASON = "age is the age at default: a study, not for use"


@dataclass(frozen=True)
class Leaky:
    """A bank whose training rows know the outcome, and hold a held-out borrower."""

    bank: Bank
    spark: SparkSession

    def write(self, version: str, parts: dict[Table, pd.DataFrame]) -> None:
        for table, rows in parts.items():
            overwrite_partition(frame(self.spark, rows), self.bank.addresses, table, DATASET, version)
        manifest = self.bank.addresses.dataset_manifest(DATASET, version)
        Objects().put_json(manifest, {"description": DESCRIPTION.to_dict()})

    def train(self, version: str, **more: Any) -> JobResult:
        config = {"root": self.bank.root, "dataset": DATASET, "dataset_version": version, "iterations": 2, "threads": 1}
        return train_model.run(self.spark, TrainModelConfig(**{**config, **more}))


@pytest.fixture(scope="module")
def leaky(delta_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leaky]:
    folder = tmp_path_factory.mktemp("leaky")
    world = Leaky(Bank((folder / "s3").as_uri()), delta_session)
    rows = borrowers(900)
    knowing = rows[:600].assign(age=40 + 20 * rows["is_default"][:600])
    world.write("leaky", {Table.TRAIN: knowing, Table.TEST: rows[599:]})
    world.write("no-test", {Table.TRAIN: rows[:300]})
    world.write("knowing", {Table.TRAIN: knowing, Table.TEST: rows[600:]})
    with local_registry(folder):
        yield world


def experiments() -> list[str]:
    import mlflow

    return [found.name for found in mlflow.MlflowClient().search_experiments() if found.name != "Default"]


def test_leaking_data_are_refused_with_every_leak_and_leave_no_run(leaky: Leaky) -> None:
    with pytest.raises(BadInput) as refused:
        leaky.train("leaky")

    shared, power = refused.value.problems
    assert shared.startswith("1 values of borrower_id stand on both sides of the split: 1 of 301 held-out rows")
    assert power.startswith("feature age alone tells too much: AUC 1.000")
    assert "leak_override" in refused.value.advice
    assert experiments() == []
    assert Objects().list(f"{leaky.bank.addresses.artifacts}/snapshots") == []


def test_a_reason_lets_leaking_data_through_and_stays_with_the_model(
    leaky: Leaky, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        trained = leaky.train("leaky", leak_override=True, leak_override_reason=REASON)

    assert trained.figures["leak check overridden"] == REASON
    assert str(trained.figures["leak 1"]).startswith("1 values of borrower_id")
    assert str(trained.figures["leak 2"]).startswith("feature age alone")
    _, _, tags = Models().run_facts(trained.values["mlflow_run_id"])
    assert tags["arrears.leak_override"] == REASON
    assert "feature age alone" in tags["arrears.leaks"]
    assert sum(record.getMessage().startswith("leak, overridden") for record in caplog.records) == 2


def test_a_leaking_feature_that_is_left_out_is_no_leak_of_the_model(leaky: Leaky) -> None:
    with pytest.raises(BadInput, match="feature age alone"):
        leaky.train("knowing")

    trained = leaky.train(
        "knowing", features=("income", "state"), leak_override=True, leak_override_reason="in case age is looked at"
    )

    _, parameters, tags = Models().run_facts(trained.values["mlflow_run_id"])
    assert tags["arrears.leak_check"] == "no leak"
    assert "arrears.leak_override" not in tags
    assert "leak_override" not in parameters
    assert trained.figures["leak override"] == "without effect: no leak was found"


def test_without_held_out_rows_the_rest_is_checked_and_the_log_says_so(
    leaky: Leaky, caplog: pytest.LogCaptureFixture
) -> None:
    config = TrainModelConfig(
        root=leaky.bank.root,
        dataset=DATASET,
        dataset_version="no-test",
        leak_override=True,
        leak_override_reason=REASON,
    )

    with caplog.at_level(logging.WARNING):
        checked = checked_for_leaks(*rows_of_both_sides(leaky.spark, config), config, DESCRIPTION)

    assert checked == LeakCheck(asked=True)
    assert checked.figures == {"leak override": "without effect: no leak was found"}
    assert checked.tags == {"arrears.leak_check": "no leak"}
    assert any("compares no held-out rows" in record.getMessage() for record in caplog.records)
