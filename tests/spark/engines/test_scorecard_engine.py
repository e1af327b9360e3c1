"""A scorecard's points tell its probability; every rival does on real borrowers what its library is known to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from arrears.contracts.engines import engine_entry
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.objectives import DEFAULT
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.features.binning import Bins
from arrears.scoring.batch import prepared_input
from arrears.scoring.preparation import Preparation
from arrears.scoring.scorers import load_scorer
from arrears.scoring.scorers.scorecard_points import Scorecard
from arrears.scoring.woe import evidence_table
from spark_jobs.engines.engine_registry import engine_named
from spark_jobs.engines.interface import CALIBRATION_SHARD, VALIDATION_SHARD, TrainingSpec
from spark_jobs.engines.row_groups import Snapshot
from spark_jobs.io.snapshots import read_slices
from spark_jobs.training.learnt_preparation import learnt_preparation, suited_to
from tests.spark.engines.engine_rows import auc, scores, written
from tests.spark.loans import real

CARD_ROWS = 3000
CARD = TrainingSpec("is_default", ("income", "debt", "twin"), ("state",), 100, 3, 20, 42, 1)


@pytest.fixture(scope="module")
def applicants() -> pa.Table:
    """Beside income, its twin works against its own evidence: alone it tells of default, with income of its absence."""
    random = np.random.default_rng(12)
    income, debt = random.integers(-2, 3, CARD_ROWS).astype(float), random.normal(size=CARD_ROWS)
    twin = np.where(random.random(CARD_ROWS) < 0.7, income, random.integers(-2, 3, CARD_ROWS))
    state = random.choice(["NY", "TX", "CA"], CARD_ROWS)
    logit = 1.5 * income - 0.7 * twin + debt + (state == "CA") - 1
    return pa.table(
        {
            "income": income,
            "debt": np.where(random.random(CARD_ROWS) < 0.1, np.nan, debt),
            "twin": twin,
            "state": state,
            "is_default": (random.random(CARD_ROWS) < 1 / (1 + np.exp(-logit))).astype(np.int32),
            "row_order": random.permutation(CARD_ROWS).astype(np.int64),
            "shard": np.where(np.arange(CARD_ROWS) % 5 == 0, VALIDATION_SHARD, 0),
        }
    )


def weighed(rows: pa.Table) -> Preparation:
    """Five bins a number and one a state, counted by hand."""
    defaults = rows.column("is_default").to_numpy() == 1

    def pair(chosen: Any) -> tuple[int, int]:
        return int((chosen & ~defaults).sum()), int((chosen & defaults).sum())

    tables = []
    for name in CARD.numeric:
        values = rows.column(name).to_numpy()
        edges = np.unique(np.nanquantile(values, [0.1, 0.3, 0.5, 0.7])).tolist()
        places = np.where(np.isnan(values), -1, np.searchsorted(edges, values, side="left"))
        counts = [pair(places == number) for number in range(len(edges) + 1)]
        tables.append(evidence_table(name, counts, edges=edges, missing=pair(places == -1)))
    states = rows.column("state").to_numpy(zero_copy_only=False)
    names = ("NY", "TX", "CA")
    tables.append(evidence_table("state", [pair(states == name) for name in names], levels=[(name,) for name in names]))
    return Preparation(evidence=tuple(tables))


def test_a_scorecard_drops_what_works_against_its_evidence_and_its_points_tell_the_probability(
    spark: SparkSession, applicants: pa.Table, tmp_path: Path
) -> None:
    training = applicants.filter(pa.array(applicants.column("shard").to_numpy() == 0))
    spec = replace(CARD, preparation=weighed(training))
    spec = replace(spec, options={"base_points": 500, "pdo": 40}, monotone={"income": 1, "debt": -1})
    snapshot = written(applicants, tmp_path, files=1)
    wrong_way = engine_named("scorecard").fit(spark, snapshot, spec, read_slices)
    assert str(wrong_way.facts["dropped_features"]).startswith("debt")

    fitted = engine_named("scorecard").fit(spark, snapshot, replace(spec, monotone={}), read_slices)
    card = load_scorer(fitted.model_format, fitted.model)
    assert isinstance(card, Scorecard)
    assert fitted.facts["dropped_features"] == "twin"
    assert card.left_out == ("twin",)
    assert {row.feature for row in card.points_table()} == {"income", "debt", "state"}

    inputs = np.asarray(prepared_input(training, spec.preparation, spec.numeric, spec.categorical), dtype=np.float64)
    labels = training.column("is_default").to_numpy()
    kept = [0, 1, 3]
    theirs = LogisticRegression(C=np.inf, tol=1e-8).fit(inputs[:, kept], labels)
    assert [card.formula.coefficients[number] for number in kept] == pytest.approx(theirs.coef_[0].tolist(), abs=1e-3)
    assert all(card.formula.coefficients[number] < 0 for number in kept)

    odds = 1 / card.estimates(inputs) - 1
    assert card.scores(inputs) == pytest.approx(500 + 40 * np.log2(odds / 50), abs=1e-6)
    by_hand = sum_of_points(card, training)
    assert by_hand == pytest.approx(card.scores(inputs), abs=1e-4)  # evidence is float32 in the model's input
    contributions = card.contributions(inputs)
    assert contributions[:, :-1].mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-4)


def sum_of_points(card: Scorecard, rows: pa.Table) -> Any:
    """Each borrower's points, looked up line by line in the table."""
    lines = {(row.feature, row.bin): row.exact_points for row in card.points_table()}
    total = np.zeros(rows.num_rows)
    for table in weighed(rows).evidence:
        if table.column not in {feature for feature, _ in lines}:
            continue
        values = rows.column(table.column).to_pylist()
        labels = Bins(table.column, table.edges).labels
        for place, value in enumerate(values):
            missing = isinstance(value, float) and np.isnan(value)
            word = value if table.levels else labels[-1 if missing else int(np.searchsorted(table.edges, value))]
            total[place] += lines[table.column, word]
    return total


def test_a_scorecard_refuses_raw_numbers_and_a_scale_that_is_none(spark: SparkSession) -> None:
    none, bare = Snapshot((), 0, "digest", "row_order"), replace(CARD, categorical=())
    with pytest.raises(BadConfiguration, match="weights of evidence, not income, debt, twin"):
        engine_named("scorecard").fit(spark, none, bare, read_slices)
    with pytest.raises(BadConfiguration) as told:
        engine_named("scorecard").fit(spark, none, replace(bare, options={"pdo": 0, "leaves": 2}), read_slices)
    assert len(told.value.problems) == 2


SPAIN = DatasetDescription(
    name="spain",
    target="Status",
    numeric=("Seniority", "Time", "Age", "Expenses", "Income", "Assets", "Debt", "Amount", "Price"),
    categorical=("Home", "Marital", "Records", "Job"),
)


@pytest.fixture(scope="module")
def spain() -> pa.Table:
    """Real borrowers, the first of the reference's five folds held out."""
    rows = pd.read_parquet(real("credit_data_spain"))
    labels = (rows["Status"] == "bad").astype("int32")
    folds = StratifiedKFold(5, shuffle=True, random_state=42).split(rows, labels)
    _, held_out = next(iter(folds))
    order = np.random.default_rng(1).permutation(len(rows)).astype(np.int64)
    shard = np.where(np.isin(np.arange(len(rows)), held_out), CALIBRATION_SHARD, 0)
    return pa.Table.from_pandas(rows.assign(is_default=labels, row_order=order, shard=shard), preserve_index=False)


# The reference's own AUC on this fold, where it has the library: logistic regression with the same flags of missing
# values; XGBoost with native categories, which one-hot columns come near to. The others, with few trees or bins, have a
# floor that only a broken engine misses.
REFERENCE = {"logistic_regression": (0.8206, 0.01), "xgboost": (0.7906, 0.02)}
FLOORS = {"scorecard": 0.80, "random_forest": 0.77, "gbt": 0.76, "naive_bayes": 0.74}


@pytest.mark.parametrize("name", sorted({**REFERENCE, **FLOORS}))
def test_each_engine_does_on_real_borrowers_what_its_library_is_known_to_do(
    spark: SparkSession, spain: pa.Table, tmp_path: Path, name: str
) -> None:
    engine = engine_named(name)
    flags = engine.name == "logistic_regression"
    where = {"root": "file:///nowhere", "dataset": "spain", "dataset_version": "v"}
    config = TrainModelConfig(**where, engine=name, missing_flags="add" if flags else "none")
    snapshot = written(spain, tmp_path, files=1)
    training = spark.read.parquet(*sorted({piece.uri for piece in snapshot.shard(0)}))
    steps = {"gbt": 10, "random_forest": 20}.get(name, 100)
    spec = TrainingSpec(
        *("is_default", SPAIN.numeric, SPAIN.categorical, steps, 6, 50, 42, 1),
        preparation=learnt_preparation(training, suited_to(engine, config, SPAIN), SPAIN),
    )
    fitted = engine.fit(spark, snapshot, spec, read_slices)
    assert fitted.model_format == engine_entry(DEFAULT, name).model_format
    held_out = spain.filter(pa.array(spain.column("shard").to_numpy() == CALIBRATION_SHARD))
    found = auc(held_out.column("is_default").to_numpy(), scores(held_out, fitted, spec))
    if name in FLOORS:
        assert found > FLOORS[name]
    else:
        expected, tolerance = REFERENCE[name]
        assert found == pytest.approx(expected, abs=tolerance)
