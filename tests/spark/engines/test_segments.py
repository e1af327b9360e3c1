"""Planted segments are found, scored by numpy as by MLlib, numbered by size, and described as pandas describes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import adjusted_rand_score, silhouette_score

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.scoring.scorers import load_scorer
from arrears.scoring.scorers.clusters import Clusters
from arrears.scoring.scorers.plain_tables import written
from arrears.stores.description_files import shipped_description
from spark_jobs.engines.mllib import clustering as engine
from spark_jobs.engines.objective_interface import VECTOR, ObjectiveRows, ObjectiveSpec, model_vectors
from spark_jobs.objectives import segments
from spark_jobs.transforms.synthetic.synthetic_customers import SHARES, SHOWN, to_customers, to_truth

ROWS = 1500
TRUTH = {"default_rate": 0.1, "seed": 8}
KINDS = ("kmeans", "bisecting_kmeans", "gaussian_mixture")
SPEC = ObjectiveSpec(seed=42, clusters=4)


@pytest.fixture(scope="module")
def customers(spark_session: SparkSession) -> pd.DataFrame:
    ids = spark_session.range(1, ROWS + 1)
    known = to_truth(ids, **TRUTH).select("id", "segment")
    return to_customers(ids, missing_share=0.1, **TRUTH).join(known, on="id").toPandas().sort_values("id")


@pytest.fixture
def given(spark: SparkSession, customers: pd.DataFrame) -> ObjectiveRows:
    rows = customers[list(SHOWN)].assign(row_order=np.random.default_rng(3).permutation(ROWS), constant=7.0)
    rows.loc[rows.index[:3], "age_years"] = [np.nan, np.inf, -np.inf]
    return ObjectiveRows(spark.createDataFrame(rows).repartition(3), ROWS, (*SHOWN, "constant"))


def loaded(content: bytes) -> Clusters:
    found = load_scorer("tables", content)
    assert isinstance(found, Clusters)
    return found


def inputs_of(given: ObjectiveRows) -> np.ndarray:
    rows = given.rows.toPandas().sort_values("row_order")
    return rows[list(given.numeric)].to_numpy(dtype=np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_finds_the_segment_that_mllib_finds(given: ObjectiveRows, kind: str) -> None:
    with model_vectors(given) as (vectors, _):
        scaler = engine.scaler_of(vectors)
        rows = scaler.transform(vectors)
        model = engine.best_model(rows, replace(SPEC, clusters=6, iterations=5), kind=kind)
        theirs = model.transform(rows).select("prediction", VECTOR).toPandas()
    tables = loaded(written(engine.tables_of(model, scaler, kind=kind)))
    inputs = np.array([vector.toArray() for vector in theirs[VECTOR]])
    assert tables.segments(inputs).tolist() == [tables.numbers[place] for place in theirs.prediction]
    sizes = np.bincount(tables.segments(inputs))[1:]
    assert sizes.tolist() == sorted(sizes, reverse=True)
    assert sum(tables.importance()) == pytest.approx(100)
    assert tables.importance()[-1] == 0  # a constant tells nobody apart


@pytest.mark.parametrize("kind", ["kmeans", "gaussian_mixture"])
def test_planted_segments_are_found_on_any_partitions(given: ObjectiveRows, customers: pd.DataFrame, kind: str) -> None:
    truth = customers.assign(order=np.random.default_rng(3).permutation(ROWS)).sort_values("order").segment
    found = []
    for partitions in (1, 5):
        fitted = engine.fit(replace(given, rows=given.rows.repartition(partitions)), SPEC, kind=kind)
        found.append(load_scorer(fitted.model_format, fitted.model).estimates(inputs_of(given)).tolist())
    assert found[0] == found[1]
    assert adjusted_rand_score(truth, found[0]) > 0.98
    shares = np.bincount(np.array(found[0], dtype=int))[1:] / ROWS
    assert shares.tolist() == pytest.approx(SHARES, abs=0.04)


def test_a_fitted_version_is_described_as_pandas_and_scikit_learn_describe_it(
    spark: SparkSession, customers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = shipped_description("synthetic_customers")
    rows = customers.rename(columns={"is_bad": "is_default"}).assign(borrower_id=customers.id.astype(str))
    borrowers = spark.createDataFrame(rows.drop(columns=["segment"]))
    monkeypatch.setattr(segments, "training_rows", lambda *_: borrowers)
    config = TrainModelConfig(dataset_version="v", task="segments", engine="kmeans", clusters=4)
    fitted, document = segments.fit(spark, config, description)
    assert document.categorical == ()
    evaluation = EvaluateModelConfig(dataset_version="v", mlflow_run_id="r", report_folder="f")
    found = segments.measure(borrowers, evaluation, description, fitted.model, document)

    model = loaded(fitted.model)
    filled = customers[list(document.numeric)].fillna(document.preparation.number_fills)
    customers = customers.assign(found=model.segments(filled.to_numpy(dtype=np.float32)))
    positions = model.standardised(filled.to_numpy(dtype=np.float32))
    assert found.silhouette == pytest.approx(
        silhouette_score(positions, customers.found, metric="sqeuclidean"), abs=1e-9
    )
    assert [profile.segment for profile in found.profiles] == [1, 2, 3, 4]
    for profile in found.profiles:
        own = customers[customers.found == profile.segment]
        assert (profile.rows, profile.share) == (len(own), len(own) / ROWS)
        assert profile.default_rate == pytest.approx(own.is_bad.mean())
        assert profile.means == pytest.approx(own[list(description.numeric)].mean().to_dict())
        levels = own.region.fillna("__missing__").value_counts()
        level, share = profile.commonest["region"]
        assert (levels[level], share) == (levels.max(), pytest.approx(levels.max() / len(own)))
    assert found.everyone.rows == ROWS
    assert found.metrics()["smallest_share"] == min(profile.share for profile in found.profiles)


def test_wrong_settings_and_too_few_rows_are_refused(given: ObjectiveRows) -> None:
    with pytest.raises(BadConfiguration) as error:
        engine.best_model(given.rows, replace(SPEC, options={"k": 3, "colour": 1}), kind="kmeans")
    assert len(error.value.problems) == 2
    with pytest.raises(BadInput, match="3 rows"):
        engine.fit(replace(given, row_count=3), SPEC, kind="kmeans")
    with pytest.raises(BadInput, match="is broken"):
        load_scorer("tables", b"{}")
