"""Training in Spark tasks gives CatBoost's own model; merged shards give the mean of their logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catboost import CatBoostClassifier, FeaturesData, Pool
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.batch import default_probabilities, level_matrix, number_matrix
from arrears.scoring.document import LevelRates, ModelDocument
from arrears.scoring.scorers.catboost_trees import CatBoostTrees
from spark_jobs.engines.catboost import engine as engine
from spark_jobs.engines.interface import VALIDATION_SHARD, TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, Snapshot
from spark_jobs.io.snapshots import read_batches, read_slices
from spark_jobs.scoring.score_snapshot import score_snapshot

ROWS = 1500
SHARDS = 3
SPEC = TrainingSpec(
    label="is_default",
    numeric=("income", "age"),
    categorical=("state",),
    iterations=60,
    depth=4,
    early_stopping_rounds=20,
    seed=42,
    threads=1,
)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> SparkSession:
    """Tasks run here, one after another: what a task does needs no cluster to be seen."""

    def run(spark: Any, works: Sequence[Callable[[], dict[str, Any]]], *schema: Any) -> list[dict[str, Any]]:
        return [{**work(), "shard": number} for number, work in enumerate(works)]

    monkeypatch.setattr(engine, "_in_tasks", run)
    return cast("SparkSession", None)


@pytest.fixture(scope="module")
def borrowers() -> pa.Table:
    random = np.random.default_rng(11)
    income, age = random.normal(size=ROWS), random.integers(18, 80, ROWS)
    state = random.choice(["NY", "TX", "CA"], ROWS)
    logit = income - (state == "NY") - 1
    return pa.table(
        {
            "borrower_id": [f"b{number}" for number in range(ROWS)],
            "income": np.where(random.random(ROWS) < 0.1, np.nan, income),
            "age": age,
            "state": pa.array(np.where(random.random(ROWS) < 0.05, None, state), pa.string()),
            "is_default": (random.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(np.int32),
            "row_order": random.permutation(ROWS).astype(np.int64),
            "shard": np.where(np.arange(ROWS) % 5 == 0, VALIDATION_SHARD, np.arange(ROWS) % SHARDS),
        }
    )


@pytest.fixture
def snapshot(borrowers: pa.Table, tmp_path: Path) -> Snapshot:
    return written(borrowers, tmp_path, shards=1)


def written(borrowers: pa.Table, folder: Path, *, shards: int) -> Snapshot:
    """The borrowers in one file a shard, each of several row groups, as a run would find them."""
    slices: list[FileSlice] = []
    place = borrowers.column("shard").to_numpy()
    dealt = np.where(place == VALIDATION_SHARD, VALIDATION_SHARD, place % shards)
    for shard in range(VALIDATION_SHARD, shards):
        path = folder / f"{shard}.parquet"
        pq.write_table(borrowers.filter(pa.array(dealt == shard)).drop(["shard"]), path, row_group_size=200)
        groups = pq.ParquetFile(path).metadata
        slices += [
            FileSlice(path.as_uri(), number, groups.row_group(number).num_rows, shard)
            for number in range(groups.num_row_groups)
        ]
    return Snapshot(tuple(slices), borrowers.num_rows, "digest", "row_order")


def document(encoded: tuple[LevelRates, ...] = (), spec: TrainingSpec = SPEC) -> ModelDocument:
    return ModelDocument("d", "v", "catboost", spec.numeric, spec.categorical, encoded)


def loaded(content: bytes) -> CatBoostTrees:
    return CatBoostTrees.from_bytes(content)


def by_hand(borrowers: pa.Table, spec: TrainingSpec = SPEC) -> CatBoostClassifier:
    """What a data scientist would write without Spark."""
    ordered = borrowers.sort_by("row_order")
    held_back = ordered.column("shard").to_numpy() == VALIDATION_SHARD

    def pool(rows: pa.Table) -> Pool:
        data = FeaturesData(
            number_matrix(rows, spec.numeric).copy(order="C"),
            level_matrix(rows, spec.categorical),
            list(spec.numeric),
            list(spec.categorical),
        )
        return Pool(data, rows.column("is_default").to_numpy())

    model = CatBoostClassifier(
        iterations=spec.iterations,
        depth=spec.depth,
        random_seed=spec.seed,
        thread_count=spec.threads,
        early_stopping_rounds=spec.early_stopping_rounds,
        verbose=0,
        allow_writing_files=False,
    )
    return model.fit(pool(ordered.filter(pa.array(~held_back))), eval_set=pool(ordered.filter(pa.array(held_back))))


def test_one_shard_is_the_model_that_catboost_trains_alone(
    spark: SparkSession, snapshot: Snapshot, borrowers: pa.Table
) -> None:
    fitted = engine.fit(spark, snapshot, SPEC, read_slices)
    ours = default_probabilities(borrowers, loaded(fitted.model), document())
    theirs = default_probabilities(borrowers, CatBoostTrees(by_hand(borrowers)), document())
    assert ours.tolist() == theirs.tolist()
    assert fitted.facts["trees"] == by_hand(borrowers).tree_count_


def test_training_twice_gives_the_same_model_to_the_bit(
    in_process: SparkSession, snapshot: Snapshot, borrowers: pa.Table
) -> None:
    first, second = (engine.fit(in_process, snapshot, SPEC, read_slices) for _ in range(2))
    scores = [default_probabilities(borrowers, loaded(fit.model), document()).tolist() for fit in (first, second)]
    assert scores[0] == scores[1]


def test_the_files_that_rows_lie_in_change_nothing(
    in_process: SparkSession, snapshot: Snapshot, borrowers: pa.Table, tmp_path: Path
) -> None:
    (tmp_path / "turned").mkdir()
    turned = written(borrowers.take(pa.array(range(ROWS - 1, -1, -1))), tmp_path / "turned", shards=1)
    fits = [engine.fit(in_process, rows, SPEC, read_slices) for rows in (snapshot, turned)]
    scores = [default_probabilities(borrowers, loaded(fit.model), document()).tolist() for fit in fits]
    assert scores[0] == scores[1]


def test_merged_shards_give_the_mean_of_their_logits_after_save_and_load(
    spark: SparkSession, borrowers: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[dict[str, Any]] = []
    merge = engine.merged

    def watched(found: Sequence[dict[str, Any]], spec: TrainingSpec) -> Any:
        parts.extend(found)
        return merge(found, spec)

    monkeypatch.setattr(engine, "merged", watched)
    spec = replace(SPEC, shards=SHARDS)
    fitted = engine.fit(spark, written(borrowers, tmp_path, shards=SHARDS), spec, read_slices)
    scores = [default_probabilities(borrowers, loaded(part["model"]), document()) for part in parts]
    mean_logit = np.mean([np.log(score / (1 - score)) for score in scores], axis=0)
    merged = default_probabilities(borrowers, loaded(fitted.model), document())
    assert len(parts) == SHARDS
    assert np.log(merged / (1 - merged)) == pytest.approx(mean_logit, abs=1e-9)


def test_shards_share_the_borders_of_the_sample_whatever_files_the_rows_lie_in(
    in_process: SparkSession, borrowers: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BORDER_ROWS", 300)
    first = pa.array(borrowers.column("row_order").to_numpy() < 300)
    spec = replace(SPEC, shards=SHARDS, categorical=())
    found = []
    for name, rows in (("here", borrowers), ("turned", borrowers.take(pa.array(range(ROWS - 1, -1, -1))))):
        is_first = first if name == "here" else first[::-1]
        slices: list[FileSlice] = []
        for in_sample, part in ((True, rows.filter(is_first)), (False, rows.filter(pa.compute.invert(is_first)))):
            folder = tmp_path / f"{name}-{in_sample}"
            folder.mkdir()
            slices += [replace(p, in_sample=in_sample) for p in written(part, folder, shards=SHARDS).slices]
        fitted = engine.fit(in_process, Snapshot(tuple(slices), ROWS, "digest", "row_order"), spec, read_slices)
        found.append(default_probabilities(borrowers, loaded(fitted.model), document(spec=spec)).tolist())
    assert found[0] == found[1]


def test_a_merged_model_is_a_classifier_again(in_process: SparkSession, borrowers: pa.Table, tmp_path: Path) -> None:
    spec = replace(SPEC, shards=SHARDS, numeric=("income", "age"), categorical=())
    fitted = engine.fit(in_process, written(borrowers, tmp_path, shards=SHARDS), spec, read_slices)
    scorer = loaded(fitted.model)
    model = scorer.model
    numbers = number_matrix(borrowers, spec.numeric)
    ours = default_probabilities(borrowers, scorer, document(spec=spec))
    assert model.predict_proba(numbers)[:, 1] == pytest.approx(ours, abs=1e-12)
    assert set(model.predict(numbers).tolist()) <= {0, 1}


def test_more_shards_than_rows_is_an_error_that_says_what_to_do(
    in_process: SparkSession, borrowers: pa.Table, tmp_path: Path
) -> None:
    pinned = written(borrowers, tmp_path, shards=2)
    with pytest.raises(BadConfiguration, match="1 of 3 shards hold no row: ask for fewer --shards"):
        engine.fit(in_process, pinned, replace(SPEC, shards=3), read_slices)


def test_the_example_is_made_up_of_medians_and_commonest_levels(in_process: SparkSession, snapshot: Snapshot) -> None:
    example = engine.fit(in_process, snapshot, SPEC, read_slices).example
    assert set(example) == {"income", "age", "state"}
    assert isinstance(example["age"], float)
    assert example["state"] in {"NY", "TX", "CA"}


def test_every_row_is_scored_once_with_its_own_id(spark: SparkSession, snapshot: Snapshot, borrowers: pa.Table) -> None:
    fitted = engine.fit(spark, snapshot, SPEC, read_slices)
    carried = {"borrower_id": "string", "is_default": "int"}
    scored = score_snapshot(spark, snapshot, fitted.model, document(), read_batches, carry=carried).collect()
    expected = default_probabilities(borrowers, loaded(fitted.model), document())
    given = dict(zip(borrowers.column("borrower_id").to_pylist(), expected.tolist(), strict=True))
    assert len(scored) == ROWS
    assert {row["borrower_id"]: row["default_probability"] for row in scored} == given
