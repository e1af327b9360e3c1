"""The cut-off of a model is chosen on the validation slice alone, on the probabilities that it will give in use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.model.fitting.calibration import Calibration
from arrears.scoring.document import ModelDocument
from spark_jobs.engines.interface import VALIDATION_SHARD, FittedModel
from spark_jobs.engines.row_groups import FileSlice, Snapshot
from spark_jobs.training.finishing import with_cutoff
from spark_jobs.training.fitting import TrainedModel, Unseen

ROWS = 300
PLAIN = ModelDocument("loans", "v1", "by hand", ("income",), ())


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    random = np.random.default_rng(5)
    income = random.normal(size=ROWS).astype(np.float32)
    outcome = (random.random(ROWS) < 1 / (1 + np.exp(income + 1))).astype(np.int32)
    return pd.DataFrame({"income": income, "is_default": outcome, "loan_amount": random.integers(100, 900, ROWS)})


@pytest.fixture(scope="module")
def model(rows: pd.DataFrame) -> bytes:
    from catboost import CatBoostClassifier

    trained = CatBoostClassifier(
        iterations=10, depth=2, random_seed=1, thread_count=1, verbose=False, allow_writing_files=False
    )
    return bytes(trained.fit(rows[["income"]], rows.is_default)._serialize_model())


@pytest.fixture
def trained(rows: pd.DataFrame, model: bytes, tmp_path: Path) -> TrainedModel:
    """A model that serves, and one that has not seen the first 100 rows, the validation slice."""
    slices = []
    for shard, part in ((VALIDATION_SHARD, rows[:100]), (0, rows[100:])):
        file = tmp_path / f"{shard}.parquet"
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False), file)
        slices.append(FileSlice(file.as_uri(), 0, len(part), shard))
    unseen = Unseen(model, Snapshot(tuple(slices[:1]), 100, "digest"))
    return TrainedModel(FittedModel(b"never scores a row here", "by hand", {}), (unseen,))


def a_config(**choices: object) -> TrainModelConfig:
    given = {"root": "file:///nowhere", "dataset": "loans", "dataset_version": "v1", **choices}
    return TrainModelConfig(**given)  # type: ignore[arg-type]


def test_cutoff_promises_what_the_validation_slice_shows_of_calibrated_scores(
    spark: SparkSession, rows: pd.DataFrame, model: bytes, trained: TrainedModel
) -> None:
    from arrears.scoring.batch import default_probabilities
    from arrears.scoring.scorers import load_scorer

    document = ModelDocument(**{**vars(PLAIN), "calibration": Calibration("prior", intercept=1.0)})
    config = a_config(cutoff_by="profit", margin=0.2, lgd=0.5, exposure="loan_amount")
    found = with_cutoff(spark, config, document, trained).cutoff
    assert found is not None
    slice_rows = pa.Table.from_pandas(rows[:100])
    scores = default_probabilities(slice_rows, load_scorer("catboost", model), document)
    assert found.value in scores
    approved = rows[:100][scores < found.value]
    earned = np.where(approved.is_default == 1, -0.5, 0.2) * approved.loan_amount
    assert found.expected["approval_rate"] == pytest.approx(len(approved) / 100)
    assert found.expected["profit"] == pytest.approx(earned.sum() / 100)
    assert found.exposure == "loan_amount"
    limits = with_cutoff(spark, config, document, trained).score_quantiles
    assert (limits[0], limits[-1]) == (scores.min(), scores.max())


def test_model_gets_no_cutoff_where_nobody_gave_a_number(spark: SparkSession, trained: TrainedModel) -> None:
    assert with_cutoff(spark, a_config(), PLAIN, trained).cutoff is None


def test_exposure_that_training_rows_lack_is_named(spark: SparkSession, trained: TrainedModel) -> None:
    with pytest.raises(BadConfiguration, match="no column salary"):
        with_cutoff(spark, a_config(margin=0.2, lgd=0.5, exposure="salary"), PLAIN, trained)
