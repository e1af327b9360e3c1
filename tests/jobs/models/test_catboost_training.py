"""A training of everything that CatBoost alone can do: text, directions, its own settings, as many shards as fit."""

from __future__ import annotations

from collections.abc import Iterator

import mlflow
import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.feature_catalogue import FeatureLine
from arrears.scoring.batch import default_probabilities
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.io.tables import overwrite_partition
from spark_jobs.jobs import train_model
from spark_jobs.training.pinned_rows import pinned_rows
from spark_jobs.training.training_plan import training_plan
from tests.jobs.models.model_world import BORROWERS, Bank, borrowers, frame, local_registry

DATASET, VERSION = "bank_of_letters", "v1"
LINES = (
    FeatureLine("income", "what is earned", "numeric", "EUR", "customers", "", "risk", monotone="falling"),
    FeatureLine("age", "in years", "numeric", "years", "customers", "", "risk"),
    FeatureLine("state", "of residence", "categorical", "level", "customers", "", "risk"),
    FeatureLine("letter", "what the borrower wrote", "text", "words", "applications", "", "risk"),
)
LETTERS = DatasetDescription(
    name=DATASET,
    target="is_default",
    numeric=("income", "age"),
    categorical=("state",),
    text=("letter",),
    catalogue=LINES,
)


@pytest.fixture(scope="module")
def bank(delta_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("letters")
    with local_registry(folder):
        bank = Bank((folder / "s3").as_uri())
        rows = borrowers()
        letter = np.where(rows["is_default"] == 1, "please more time", "car loan")
        rows["letter"] = np.where(np.arange(BORROWERS) % 7 == 0, None, letter)
        for table, part in ((Table.TRAIN, rows[: BORROWERS // 2]), (Table.TEST, rows[BORROWERS // 2 :])):
            overwrite_partition(frame(delta_session, part), bank.addresses, table, DATASET, VERSION)
        Objects().put_json(bank.addresses.dataset_manifest(DATASET, VERSION), {"description": LETTERS.to_dict()})
        yield bank


def a_training(bank: Bank, **more: object) -> TrainModelConfig:
    given = {"root": bank.root, "dataset": DATASET, "dataset_version": VERSION, "iterations": 20, "threads": 1}
    return TrainModelConfig(**{**given, **more})  # type: ignore[arg-type]


def test_text_and_a_declared_direction_reach_the_model_that_mlflow_serves(bank: Bank, spark: SparkSession) -> None:
    config = a_training(
        bank,
        engine_options=("boosting_type=Ordered",),
        leak_override=True,
        leak_override_reason="the letter tells all, on purpose",
    )
    trained = train_model.run(spark, config)
    run_id = trained.values["mlflow_run_id"]
    files = Models().files_of_run(run_id)
    document = ModelDocument.from_json(files.document)
    rows = borrowers()[:50].assign(letter=["please more time", None] * 25)[list(LETTERS.features)]
    rows = rows.astype({"age": "float64"})
    scorer = load_scorer(document.model_format, files.model)
    batch = default_probabilities(pa.Table.from_pandas(rows, preserve_index=False), scorer, document)
    served = mlflow.pyfunc.load_model(f"runs:/{run_id}/model").predict(rows)["default_probability"]
    ladder = rows.iloc[[0] * 50].assign(income=np.linspace(-3, 3, 50))
    by_income = default_probabilities(pa.Table.from_pandas(ladder, preserve_index=False), scorer, document)
    assert document.inputs == ("income", "age", "state", "letter")
    assert served.tolist() == batch.tolist()
    assert batch[::2].mean() > batch[1::2].mean()
    assert (np.diff(by_income) <= 0).all()
    assert trained.figures["shards"] == 1
    assert not Objects().list(f"{bank.root}/artifacts/snapshots/{DATASET}")


def test_slices_kept_back_and_features_chosen_are_those_that_were_asked_for(bank: Bank, spark: SparkSession) -> None:
    config = a_training(bank, features=("age", "income"), calibration="platt", calibration_share=0.25, shards=2)
    with pinned_rows(spark, training_plan(config, LETTERS), name="slices") as pinned:
        snapshot, spec = pinned.snapshot, pinned.spec
        rows = {shard: sum(piece.rows for piece in snapshot.shard(shard)) for shard in (-2, -1, 0, 1)}
    assert rows[-2] == pytest.approx(0.25 * BORROWERS / 2, abs=2)
    assert rows[-1] == pytest.approx(0.2 * BORROWERS / 2, abs=2)
    assert rows[0] == pytest.approx(rows[1], abs=2)
    assert sum(rows.values()) == BORROWERS // 2
    assert (spec.numeric, spec.categorical, spec.text) == (("income", "age"), (), ())
    assert spec.monotone == {"income": -1}


def test_what_cannot_be_trained_is_refused_before_any_row_is_read(spark: SparkSession) -> None:
    config = TrainModelConfig(
        root="file:///nowhere", dataset=DATASET, dataset_version="none", shards=2, engine_options=("nonsense=1",)
    )
    with (
        pytest.raises(BadConfiguration, match=r"no nonsense.*text feature letter cannot be merged"),
        pinned_rows(spark, training_plan(config, LETTERS), name="refused"),
    ):
        pass
