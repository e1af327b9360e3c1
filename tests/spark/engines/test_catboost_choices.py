"""What an analyst may ask of CatBoost beyond the common settings: options, constraints, weights, texts, resuming."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catboost import CatBoostClassifier, Pool

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.batch import default_probabilities, model_input, number_matrix
from arrears.scoring.document import ModelDocument
from arrears.scoring.preparation import Deciles, OutlierLimits, Preparation
from arrears.scoring.scorers.catboost_trees import CatBoostTrees
from spark_jobs.engines.catboost import engine as engine
from spark_jobs.engines.catboost.catboost_options import option_problems, unmergeable
from spark_jobs.engines.catboost.pools import TrainingColumns, quantised, shared_borders
from spark_jobs.engines.interface import VALIDATION_SHARD, TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, Snapshot
from spark_jobs.io.snapshots import read_slices
from spark_jobs.io.training_progress import ProgressFiles

ROWS = 800
SPEC = TrainingSpec(
    label="is_default",
    numeric=("income", "age"),
    categorical=(),
    iterations=60,
    depth=4,
    early_stopping_rounds=40,
    seed=7,
    threads=1,
)


@pytest.fixture(scope="module")
def borrowers() -> pa.Table:
    random = np.random.default_rng(3)
    income, age = random.normal(size=ROWS).astype(np.float32), random.integers(18, 80, ROWS)
    purpose = random.choice(["new car", "old debt", "small house"], ROWS)
    logit = np.sin(3 * income) - 2 * (purpose == "old debt")
    return pa.table(
        {
            "income": income,
            "age": age,
            "purpose": purpose,
            "is_default": (random.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(np.int32),
            "row_order": random.permutation(ROWS).astype(np.int64),
        }
    )


def snapshot_of(borrowers: pa.Table, folder: Path) -> Snapshot:
    """Three quarters to train on and a quarter to stop on, in row groups of 100."""
    slices: list[FileSlice] = []
    for shard, rows in ((0, borrowers[: 3 * ROWS // 4]), (VALIDATION_SHARD, borrowers[3 * ROWS // 4 :])):
        path = folder / f"{shard}.parquet"
        pq.write_table(rows, path, row_group_size=100)
        slices += [FileSlice(path.as_uri(), number, 100, shard) for number in range(len(rows) // 100)]
    return Snapshot(tuple(slices), ROWS, "digest", "row_order")


def task_of(snapshot: Snapshot, spec: TrainingSpec) -> engine._Task:
    train, validation = snapshot.shard(0), snapshot.shard(VALIDATION_SHARD)
    return engine._Task(0, train, validation, "row_order", snapshot.digest, spec, read_slices, None)


def scores(part: dict[str, Any], borrowers: pa.Table, spec: TrainingSpec) -> npt.NDArray[np.float64]:
    document = ModelDocument("d", "v", "catboost", spec.numeric, spec.categorical, text=spec.text)
    return default_probabilities(borrowers, CatBoostTrees.from_bytes(part["model"]), document)


@pytest.fixture
def snapshot(borrowers: pa.Table, tmp_path: Path) -> Snapshot:
    return snapshot_of(borrowers, tmp_path)


def by_hand(borrowers: pa.Table, **more: Any) -> list[float]:
    pools = []
    for rows in (borrowers[: 3 * ROWS // 4], borrowers[3 * ROWS // 4 :]):
        ordered = rows.sort_by("row_order")
        numbers = number_matrix(ordered, SPEC.numeric)
        pools.append(Pool(numbers, ordered.column("is_default").to_numpy(), feature_names=list(SPEC.numeric)))
    common = {"iterations": 60, "depth": 4, "random_seed": 7, "thread_count": 1, "early_stopping_rounds": 40}
    model = CatBoostClassifier(**common, verbose=0, allow_writing_files=False, **more).fit(pools[0], eval_set=pools[1])
    document = ModelDocument("d", "v", "catboost", SPEC.numeric, ())
    return default_probabilities(borrowers, CatBoostTrees(model), document).tolist()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"options": {"boosting_type": "Ordered"}}, {"boosting_type": "Ordered"}),
        ({"options": {"border_count": 16, "l2_leaf_reg": 9}}, {"border_count": 16, "l2_leaf_reg": 9}),
        ({"options": {"border_count": 400}}, {"border_count": 400}),
        ({"options": {"eval_metric": "AUC"}}, {"eval_metric": "AUC"}),
        ({"options": {"grow_policy": "Lossguide"}}, {"grow_policy": "Lossguide"}),
        ({"options": {"ignored_features": [1]}}, {"ignored_features": [1]}),
        ({"class_weights": (1.0, 3.0)}, {"class_weights": [1.0, 3.0]}),
        ({"monotone": {"income": 1}}, {"monotone_constraints": {"income": 1}}),
    ],
    ids=["ordered", "borders", "many borders", "eval metric", "lossguide", "ignored", "weights", "monotone"],
)
def test_a_setting_does_what_it_does_in_catboost_alone(
    snapshot: Snapshot, borrowers: pa.Table, ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    spec = replace(SPEC, **ours)
    found = scores(engine._train(task_of(snapshot, spec)), borrowers, spec).tolist()
    assert found == by_hand(borrowers, **theirs)
    assert found != by_hand(borrowers)


def test_a_declared_direction_holds_for_every_borrower(snapshot: Snapshot, borrowers: pa.Table) -> None:
    spec = replace(SPEC, monotone={"income": -1})
    part = engine._train(task_of(snapshot, spec))
    ladder = pa.table({"income": np.linspace(-3, 3, 200, dtype=np.float32), "age": np.full(200, 40)})
    free = scores(engine._train(task_of(snapshot, SPEC)), ladder, SPEC)
    assert (np.diff(scores(part, ladder, spec)) <= 0).all()
    assert (np.diff(free) > 0).any()


def test_a_declared_direction_holds_for_the_decile_of_a_number_too(snapshot: Snapshot, borrowers: pa.Table) -> None:
    edges = tuple(np.quantile(borrowers.column("income").to_numpy(), np.arange(1, 10) / 10).tolist())
    spec = replace(SPEC, monotone={"income": -1}, preparation=Preparation(deciles=(Deciles("income", edges),)))
    ladder = pa.table({"income": np.linspace(-3, 3, 200, dtype=np.float32), "age": np.full(200, 40)})
    document = ModelDocument("d", "v", "catboost", spec.numeric, (), preparation=spec.preparation)
    model = CatBoostTrees.from_bytes(engine._train(task_of(snapshot, spec))["model"])
    assert document.inputs == ("income", "age", "income_decile")
    assert (np.diff(default_probabilities(ladder, model, document)) <= 0).all()


def test_settings_that_catboost_lacks_or_that_are_chosen_elsewhere_are_told_together(snapshot: Snapshot) -> None:
    options = {"nonsense": 1, "max_depth": 3, "loss_function": "RMSE", "class_weights": [1, 2], "l2_leaf_reg": 5}
    with pytest.raises(BadConfiguration) as refused:
        engine.fit(None, snapshot, replace(SPEC, options=options), read_slices)  # type: ignore[arg-type]
    assert refused.value.problems == (
        "engine_options: CatBoost has no nonsense",
        "engine_options: max_depth is chosen by depth",
        "engine_options: loss_function is not open to choice",
        "engine_options: class_weights is chosen by sampling",
    )


def test_what_shards_cannot_share_is_refused_for_shards_alone(snapshot: Snapshot) -> None:
    options = {"simple_ctr": "Borders", "task_type": "GPU", "boosting_type": "Ordered"}
    assert option_problems(options) == []
    assert unmergeable({"task_type": "CPU", "boosting_type": "Ordered"}) == []
    with pytest.raises(BadConfiguration) as refused:
        engine.fit(None, snapshot, replace(SPEC, options=options, text=("purpose",), shards=2), read_slices)  # type: ignore[arg-type]
    told = str(refused.value)
    assert all(what in told for what in ("simple_ctr", "task_type", "text feature purpose", "1 of 2 shards"))
    assert "boosting_type" not in told


def test_numbers_lie_in_one_array_in_the_order_of_the_sort_key(borrowers: pa.Table, snapshot: Snapshot) -> None:
    limits = OutlierLimits("income", -1.0, 1.0, "drop")
    spec = replace(SPEC, preparation=Preparation(outliers=(limits,)))
    columns = TrainingColumns(spec, "row_order", snapshot.shard(0), read_slices)
    rows = borrowers[: 3 * ROWS // 4].sort_by("row_order")
    kept = spec.preparation.drop_outliers(rows)
    assert columns.numbers.T.tolist() == number_matrix(kept, SPEC.numeric).tolist()
    assert columns.labels.tolist() == kept.column("is_default").to_pylist()
    assert (columns.rows, columns.dropped_rows) == (kept.num_rows, rows.num_rows - kept.num_rows)
    assert columns.numbers.flags.c_contiguous
    assert columns.numbers.base is not None
    pool = quantised(columns, spec, None)
    assert not columns.numbers.any()  # its memory went back to the system
    assert pool.num_row() == kept.num_rows


def test_a_value_missing_in_one_shard_alone_is_cut_off_from_all_others(
    borrowers: pa.Table, snapshot: Snapshot, tmp_path: Path
) -> None:
    borders = shared_borders(SPEC, "row_order", snapshot.shard(0)[:3], read_slices)
    income = borrowers.column("income").to_numpy().copy()
    income[borrowers.column("is_default").to_numpy() == 1] = np.nan
    (tmp_path / "gaps").mkdir()
    gaps = snapshot_of(borrowers.set_column(0, "income", pa.array(income)), tmp_path / "gaps")
    task = replace(task_of(gaps, replace(SPEC, shards=2)), borders=borders)
    found = scores(engine._train(task), pa.table({"income": [np.nan, -9.0, 9.0], "age": [40, 40, 40]}), SPEC)
    assert found[0] > 0.9
    assert found[1:].max() < 0.3


def test_free_text_is_learnt_from_and_scored_alike_in_batch_and_in_catboost_alone(
    borrowers: pa.Table, tmp_path: Path
) -> None:
    texts = pa.array([None if n % 10 == 0 else text.as_py() for n, text in enumerate(borrowers.column("purpose"))])
    level = pa.array(np.where(np.arange(ROWS) % 3 == 0, "a", "b"))
    loans = borrowers.set_column(2, "purpose", texts).append_column("level", level)
    spec = replace(SPEC, categorical=("level",), text=("purpose",))
    ours = engine._train(task_of(snapshot_of(loans, tmp_path), spec))
    frame = loans.to_pandas().astype({"income": "float32", "age": "float32"}).fillna({"purpose": ""})
    pools = [
        Pool(
            rows.sort_values("row_order")[["income", "age", "level", "purpose"]],
            rows.sort_values("row_order")["is_default"],
            cat_features=["level"],
            text_features=["purpose"],
        )
        for rows in (frame[: 3 * ROWS // 4], frame[3 * ROWS // 4 :], frame.assign(row_order=range(ROWS)))
    ]
    common = {"iterations": 60, "depth": 4, "random_seed": 7, "thread_count": 1, "early_stopping_rounds": 40}
    theirs = CatBoostClassifier(**common, verbose=0, allow_writing_files=False).fit(pools[0], eval_set=pools[1])
    logits = theirs.predict(pools[2], prediction_type="RawFormulaVal")
    found = scores(ours, loans, spec)
    assert found.tolist() == (1 / (1 + np.exp(-logits))).tolist()
    assert np.std(found[borrowers.column("income").to_numpy() < 0]) > 0.1
    document = ModelDocument("d", "v", "catboost", spec.numeric, spec.categorical, text=spec.text)
    assert document.inputs == ("income", "age", "level", "purpose")
    assert ModelDocument.from_json(document.to_json()) == document
    scorer = CatBoostTrees.from_bytes(ours["model"])
    contributions = scorer.contributions(model_input(loans, document))
    assert contributions.shape == (ROWS, 5)
    assert contributions.sum(axis=1) == pytest.approx(logits, abs=1e-6)


INTERRUPTED = """
import os, pickle, sys
from catboost import CatBoostClassifier
from spark_jobs.engines.catboost import engine, resumption
resumption.SAVE_SECONDS, resumption.LOOK_SECONDS = 0, 0.001
task = pickle.load(open(sys.argv[1], "rb"))
train = CatBoostClassifier.fit
class Lost:
    def after_iteration(self, info):
        if info.iteration >= 30 and task.spec.progress.load(engine._key(task)):
            os._exit(9)
        return True
def fit(self, *given, **named):
    return train(self, *given, **named, callbacks=[Lost()])
CatBoostClassifier.fit = fit
engine._train(task)
"""


def kept_in(folder: Path) -> list[str]:
    """The files in a folder but for one that a killed attempt was just writing."""
    return [path.name for path in folder.iterdir() if not path.name.startswith("tmp_")]


def test_a_lost_task_resumes_and_ends_with_the_same_model(
    borrowers: pa.Table, snapshot: Snapshot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = scores(engine._train(task_of(snapshot, SPEC)), borrowers, SPEC)
    folder = tmp_path / "progress"
    task = task_of(snapshot, replace(SPEC, progress=ProgressFiles(folder.as_uri())))
    (tmp_path / "task").write_bytes(pickle.dumps(task))
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "task")]
    assert subprocess.run(command, env={**os.environ, "PYTHONPATH": str(Path.cwd())}, check=False).returncode == 9
    assert kept_in(folder) == [engine._key(task)]
    with caplog.at_level("INFO"):
        engine._tell_what_resumes([task, replace(task, shard=1)])
    assert caplog.messages == ["shard 0: resuming from the progress of an earlier attempt"]
    caplog.clear()
    resumed = engine._train(task)
    (told,) = (record for record in caplog.records if "resuming from the progress" in record.getMessage())
    assert told.levelname == "WARNING"  # less than that no process of a task shows
    assert scores(resumed, borrowers, SPEC).tolist() == whole.tolist()
    assert kept_in(folder) == []


def test_progress_of_another_training_is_left_aside_with_a_word(
    borrowers: pa.Table,
    snapshot: Snapshot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = ProgressFiles((tmp_path / "progress").as_uri())
    task = task_of(snapshot, replace(SPEC, progress=files))
    settings = {"iterations": 5, "verbose": 0, "train_dir": str(tmp_path), "save_snapshot": True}
    columns = TrainingColumns(SPEC, "row_order", task.train, read_slices)
    CatBoostClassifier(**settings, snapshot_file=str(tmp_path / "s"), snapshot_interval=0).fit(columns.pool())
    for content in ((tmp_path / "s").read_bytes(), b"torn"):
        files.save(engine._key(task), content)
        whole = scores(engine._train(replace(task, spec=SPEC)), borrowers, SPEC)
        assert scores(engine._train(task), borrowers, SPEC).tolist() == whole.tolist()
    assert "does not fit this training: it starts anew" in caplog.text


def test_progress_is_named_by_rows_and_settings(snapshot: Snapshot) -> None:
    task = task_of(snapshot, SPEC)
    others = [
        replace(task, digest="other"),
        replace(task, shard=1),
        replace(task, spec=replace(SPEC, depth=5)),
        replace(task, spec=replace(SPEC, options={"l2_leaf_reg": 4})),
        replace(task, spec=replace(SPEC, monotone={"age": 1})),
        replace(task, spec=replace(SPEC, preparation=Preparation(number_fills={"income": 0.0}))),
    ]
    assert len({engine._key(each) for each in [task, *others]}) == 1 + len(others)
    assert engine._key(replace(task, spec=replace(SPEC, progress=ProgressFiles("file:///x")))) == engine._key(task)


def test_categories_of_the_validation_slice_are_those_of_the_training_rows(borrowers: pa.Table, tmp_path: Path) -> None:
    spec = replace(SPEC, categorical=("purpose",))
    found = scores(engine._train(task_of(snapshot_of(borrowers, tmp_path), spec)), borrowers, spec)
    frame = borrowers.to_pandas().astype({"income": "float32", "age": "float32"})
    halves = [half.sort_values("row_order") for half in (frame[: 3 * ROWS // 4], frame[3 * ROWS // 4 :])]
    inputs = ["income", "age", "purpose"]
    pools = [Pool(half[inputs], half["is_default"], cat_features=["purpose"]) for half in halves]
    common = {"iterations": 60, "depth": 4, "random_seed": 7, "thread_count": 1, "early_stopping_rounds": 40}
    model = CatBoostClassifier(**common, verbose=0, allow_writing_files=False).fit(pools[0], eval_set=pools[1])
    logits = model.predict(Pool(frame[inputs], cat_features=["purpose"]), prediction_type="RawFormulaVal")
    assert found.tolist() == (1 / (1 + np.exp(-logits))).tolist()
