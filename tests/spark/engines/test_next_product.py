"""Tastes are folded in as Spark folds them, planted tastes beat popularity, and what is held is never offered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as given_values
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn.metrics import ndcg_score

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.model.metrics.recommendations import top_metrics
from arrears.scoring.answers import answers
from arrears.scoring.scorers import load_scorer
from arrears.scoring.scorers.plain_tables import written
from arrears.scoring.scorers.products import ProductTastes
from arrears.stores.description_files import shipped_description
from spark_jobs.engines.mllib import als
from spark_jobs.engines.objective_interface import ObjectiveSpec
from spark_jobs.objectives import next_product
from spark_jobs.transforms.scores.holdings import holds, to_interactions, with_hidden_product
from spark_jobs.transforms.synthetic.synthetic_customers import FAVOURITES, to_customers

ROWS = 1500
DESCRIPTION = shipped_description("synthetic_customers")
PRODUCTS = DESCRIPTION.products
SPEC = ObjectiveSpec(seed=42)


@pytest.fixture(scope="module")
def customers(spark_session: SparkSession) -> DataFrame:
    made = to_customers(spark_session.range(1, 2 * ROWS + 1), default_rate=0.1, missing_share=0.0, seed=8)
    return made.withColumnRenamed("id", "borrower_id").cache()


@pytest.fixture
def train(customers: DataFrame) -> DataFrame:
    return customers.where(f"borrower_id <= {ROWS}")


@pytest.fixture(autouse=True)
def checkpoints(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Somewhere to break off the chain of steps; the job has its own place."""
    if "train" in request.fixturenames:
        session = request.getfixturevalue("spark_session")
        session.sparkContext.setCheckpointDir(tmp_path_factory.mktemp("checkpoints").as_uri())


def loaded(content: bytes) -> ProductTastes:
    found = load_scorer("tables", content)
    assert isinstance(found, ProductTastes)
    return found


def learnt(train: DataFrame) -> ProductTastes:
    shares = train.select(*PRODUCTS).toPandas().mean().tolist()
    fitted = als.fit(to_interactions(train, PRODUCTS, seed=1), PRODUCTS, shares, SPEC, customers=ROWS)
    return loaded(fitted.model)


def test_holdings_become_interactions_with_a_number_for_each_customer(train: DataFrame) -> None:
    found = to_interactions(train, PRODUCTS, seed=1).toPandas()
    again = to_interactions(train.repartition(5), PRODUCTS, seed=1).toPandas()
    held = train.select(*PRODUCTS).toPandas()
    assert len(found) == held.to_numpy().sum()
    assert found.groupby("product").size().tolist() == held.sum().tolist()
    numbers = sorted(found.customer.unique())
    assert numbers == list(range(int((held.sum(axis=1) > 0).sum())))
    assert sorted(map(tuple, found.to_numpy())) == sorted(map(tuple, again.to_numpy()))


def test_folded_in_factors_are_those_of_spark_and_partitions_do_not_matter(train: DataFrame) -> None:
    interactions = to_interactions(train, PRODUCTS, seed=1)
    learner = als.learner_of(SPEC, len(PRODUCTS), ROWS)
    model = learner.fit(als.to_partitioned(interactions, ROWS))
    tastes = als.tastes_of(model, learner, PRODUCTS, [0.1] * len(PRODUCTS))
    theirs = model.userFactors.toPandas().sort_values("id")
    held = interactions.toPandas().pivot(index="customer", columns="product", values="held").fillna(0).sort_index()
    ours = tastes.customer_factors(held.to_numpy())
    assert np.abs(ours - np.array(theirs.features.tolist())).max() < 1e-3
    other = learnt(train.repartition(5))
    assert np.abs(np.array(other.factors) - np.array(tastes.factors)).max() < 1e-4


def test_planted_tastes_are_found_and_beat_popularity(customers: DataFrame, train: DataFrame) -> None:
    tastes = learnt(train)
    for favourites in FAVOURITES[:3]:  # what the last segment likes, others like too
        first, second, third = (f"holds_{product}" for product in favourites)
        holdings = np.array([[float(name in (first, second)) for name in PRODUCTS]])
        assert tastes.recommended(holdings)[0][0] == third
    rest = customers.where(f"borrower_id > {ROWS}")
    found = next_product.measured(rest, written(tastes), PRODUCTS, seed=1)
    metrics = found.metrics()
    assert metrics["ndcg_at_3"] > metrics["popularity_ndcg_at_3"] + 0.1
    assert found == next_product.measured(rest.repartition(5), written(tastes), PRODUCTS, seed=1)
    assert sum(found.offered_first.values()) == pytest.approx(1)


def test_one_held_product_is_hidden_from_everyone_who_holds_two(train: DataFrame) -> None:
    shown = with_hidden_product(train, PRODUCTS, seed=1).toPandas().set_index("borrower_id").sort_index()
    held = train.select("borrower_id", *PRODUCTS).toPandas().set_index("borrower_id").sort_index()
    held = held[held.sum(axis=1) >= 2]
    assert shown.index.tolist() == held.index.tolist()
    gone = held - shown[list(PRODUCTS)]
    assert (gone.sum(axis=1) == 1).all()
    assert gone.to_numpy().argmax(axis=1).tolist() == shown["_hidden"].tolist()
    assert shown["_hidden"].nunique() == len(PRODUCTS)


def test_amounts_above_nothing_are_holdings(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(250.0,), (0.0,), (-3.0,), (None,), (float("nan"),)], "amount double")
    assert [row[0] for row in rows.select(holds("amount")).collect()] == [True, False, False, False, False]


TASTES = ProductTastes(("a", "b", "c"), ((1.0, 0.0), (0.9, 0.1), (0.0, 1.0)), 10.0, 0.1, (0.2, 0.5, 0.3))


@given_values(st.lists(st.lists(st.sampled_from([0.0, 1.0, float("nan")]), min_size=3, max_size=3), min_size=1))
def test_every_product_that_is_lacked_is_offered_once_and_none_that_is_held(holdings: list[list[float]]) -> None:
    for offers, own in zip(TASTES.recommended(holdings), holdings, strict=True):
        assert sorted(offers) == [name for name, amount in zip("abc", own, strict=True) if not amount > 0]


def test_who_holds_nothing_is_offered_what_is_popular() -> None:
    assert TASTES.recommended([[0, 0, 0]]) == [["b", "c", "a"]]
    assert TASTES.recommended([[1, 0, 0]]) == [["b", "c"]]


@given_values(st.lists(st.integers(1, 6), min_size=1, max_size=30), st.integers(1, 6))
def test_metrics_of_ranks_are_those_of_ranked_lists(ranks: list[int], k: int) -> None:
    found = top_metrics(pd.Series(ranks).value_counts().to_dict(), k)
    relevant = np.array([[float(place == rank) for place in range(1, 7)] for rank in ranks])
    scores = np.broadcast_to(-np.arange(6.0), relevant.shape)
    assert found.ndcg == pytest.approx(ndcg_score(relevant, scores, k=k))
    assert found.precision == pytest.approx(relevant[:, :k].mean())
    assert found.hit_rate == found.recall == pytest.approx(relevant[:, :k].max(axis=1).mean())
    assert found.map == pytest.approx(np.mean([1 / rank if rank <= k else 0 for rank in ranks]))


def test_a_version_is_trained_without_keeping_any_customer(
    spark: SparkSession, train: DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(next_product, "training_rows", lambda *_: train)
    chosen = {"task": "next_product", "engine": "als", "engine_options": ("rank=4",)}
    config = TrainModelConfig(root=tmp_path.as_uri(), dataset_version="v", **chosen)
    fitted, document = next_product.fit(spark, config, DESCRIPTION)
    assert document.numeric == PRODUCTS
    tastes = loaded(fitted.model)
    assert np.array(tastes.factors).shape == (len(PRODUCTS), 4)
    said = answers(train.select(*PRODUCTS).limit(5).toArrow(), tastes, document)
    assert said.column_names == ["next_products"]
    assert not any(file.is_file() for file in tmp_path.rglob("*"))
    nothing = train.withColumns({name: F.lit(0) for name in PRODUCTS})
    monkeypatch.setattr(next_product, "training_rows", lambda *_: nothing)
    with pytest.raises(BadInput, match="nobody of 1500"):
        next_product.fit(spark, config, DESCRIPTION)
    with pytest.raises(BadConfiguration, match="declares 2 products"):
        next_product.fit(spark, config, replace(DESCRIPTION, products=PRODUCTS[:2]))
