# ruff: noqa: N802, N803 - the names are the package's own
"""The adapter of CatBoost's Spark package, against a module with its documented signatures, not the real one."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from catboost import CatBoostClassifier as Native
from catboost import __version__

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.packages import CATBOOST, catboost_spark
from spark_jobs.engines.catboost import spark_package as engine
from spark_jobs.engines.interface import VALIDATION_SHARD, TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, Snapshot

SPEC = TrainingSpec(
    label="is_default",
    numeric=("income",),
    categorical=(),
    iterations=5,
    depth=2,
    early_stopping_rounds=3,
    seed=1,
    threads=1,
    options={"l2_leaf_reg": 5},
)


class Rows:
    """Stands for a DataFrame: only what was asked of it is kept."""

    def __init__(self, asked: tuple[str, ...] = ()) -> None:
        self.asked = asked

    def where(self, condition: str) -> Rows:
        return Rows((*self.asked, f"where {condition}"))

    def drop(self, column: str) -> Rows:
        return Rows((*self.asked, f"drop {column}"))


class Pool:
    def __init__(self, data_frame_or_java_object: Any, pairs_data_frame: Any = None) -> None:
        self.data, self.roles = data_frame_or_java_object, {}

    def setFeaturesCol(self, value: str) -> Pool:
        return self._with("features", value)

    def setLabelCol(self, value: str) -> Pool:
        return self._with("label", value)

    def setWeightCol(self, value: str) -> Pool:
        return self._with("weight", value)

    def count(self) -> int:
        return 4

    def _with(self, role: str, value: str) -> Pool:
        self.roles[role] = value
        return self


class Model:
    def saveNativeModel(
        self, fileName: str, format: Any = None, exportParameters: Any = None, pool: Any = None
    ) -> None:
        rows = np.array([[0.0], [1.0], [2.0], [3.0]])
        Native(iterations=3, verbose=0, allow_writing_files=False).fit(rows, [0, 0, 1, 1]).save_model(fileName)


class CatBoostClassifier:
    """The setters of the reference, as far as we use them."""

    last: CatBoostClassifier

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        CatBoostClassifier.last = self

    def fit(self, dataset: Any, params: Any = None, evalDatasets: Any = None) -> Model:
        self.fitted = dataset, evalDatasets
        return Model()


def _setter(name: str) -> Any:
    def put(self: CatBoostClassifier, value: Any) -> CatBoostClassifier:
        self.given[name] = value
        return self

    return put


for _name in ("Iterations", "Depth", "RandomSeed", "ThreadCount", "LearningRate", "EarlyStoppingRounds"):
    setattr(CatBoostClassifier, f"set{_name}", _setter(_name))
for _name in ("UseBestModel", "L2LeafReg"):
    setattr(CatBoostClassifier, f"set{_name}", _setter(_name))


def a_spark(**settings: str) -> Any:
    scala = SimpleNamespace(util=SimpleNamespace(Properties=SimpleNamespace(versionNumberString=lambda: "2.13.17")))
    context = SimpleNamespace(_jvm=SimpleNamespace(scala=scala), getConf=lambda: settings, defaultParallelism=4)
    return SimpleNamespace(version="4.1.4", sparkContext=context)


CLUSTER = {"spark.task.cpus": "2", "spark.executor.cores": "2"}
SNAPSHOT = Snapshot((FileSlice("u", 0, 4), FileSlice("u", 1, 4, VALIDATION_SHARD)), 8, "d", "row_order")


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("catboost_spark")
    module.Pool, module.CatBoostClassifier = Pool, CatBoostClassifier  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "catboost_spark", module)
    monkeypatch.setattr(engine, "to_model_rows", lambda *given, parts: Rows((f"{parts} parts",)))
    monkeypatch.setattr(engine, "_with_features", lambda rows, names: rows)
    monkeypatch.setattr(engine, "example_borrower", lambda *given: {"income": 1.0})


def test_the_coordinate_follows_spark_and_scala_and_the_librarys_own_version() -> None:
    assert catboost_spark("3.5.6", "2.12") == f"ai.catboost:catboost-spark_3.5_2.12:{CATBOOST}"
    assert __version__ == CATBOOST


def test_without_the_package_the_training_ends_with_its_coordinate_and_two_ways_out() -> None:
    assert "catboost_spark" not in sys.modules
    with pytest.raises(BadConfiguration) as refused:
        engine.fit(a_spark(**CLUSTER), SNAPSHOT, SPEC, None)  # type: ignore[arg-type]
    told = str(refused.value)
    assert f"ai.catboost:catboost-spark_4.1_2.13:{CATBOOST}" in told
    assert "add it to --packages" in told
    assert "choose engine catboost" in told


def test_a_module_without_its_jar_ends_the_same_way(package: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_class(self: object) -> None:
        raise TypeError("'JavaPackage' object is not callable")

    monkeypatch.setattr(CatBoostClassifier, "__init__", no_class)
    with pytest.raises(BadConfiguration, match=r"needs the package ai\.catboost"):
        engine.fit(a_spark(**CLUSTER), SNAPSHOT, SPEC, None)  # type: ignore[arg-type]


def test_pools_settings_and_the_native_model_go_by_the_documented_names(package: None) -> None:
    fitted = engine.fit(a_spark(**CLUSTER), SNAPSHOT, SPEC, None)  # type: ignore[arg-type]
    classifier = CatBoostClassifier.last
    train, held_back = classifier.fitted
    assert train.data.asked == ("2 parts", "where NOT is_validation", "drop is_validation")
    assert held_back[0].data.asked == ("2 parts", "where is_validation", "drop is_validation")
    assert train.roles == {"features": "features", "label": "label", "weight": "weight"}
    assert classifier.given == {
        "Iterations": 5,
        "Depth": 2,
        "RandomSeed": 1,
        "ThreadCount": 1,
        "EarlyStoppingRounds": 3,
        "UseBestModel": True,
        "L2LeafReg": 5,
    }
    assert (fitted.model_format, fitted.facts["trees"], fitted.facts["train_rows"]) == ("catboost", 3, 4)
    assert fitted.engine == catboost_spark("4.1", "2.13")


def test_a_cluster_and_settings_that_do_not_fit_are_told_together(package: None) -> None:
    spec = TrainingSpec(**{**vars(SPEC), "options": {"nonsense": 1, "max_depth": 2, "iterations": 3}})
    with pytest.raises(BadConfiguration) as refused:
        engine.fit(a_spark(**{**CLUSTER, "spark.task.cpus": "1"}), SNAPSHOT, spec, None)  # type: ignore[arg-type]
    assert refused.value.problems == (
        "catboost-spark needs spark.task.cpus equal to spark.executor.cores: they are 1 and 2",
        "engine_options: catboost_spark has no nonsense",
        "engine_options: catboost_spark has no max_depth",
        "engine_options: iterations is not open to choice",
    )


def test_no_file_of_the_model_is_left_behind(package: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    engine.fit(a_spark(**CLUSTER), SNAPSHOT, SPEC, None)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
