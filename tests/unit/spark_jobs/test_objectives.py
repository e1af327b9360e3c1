"""Every objective stands behind the one interface that the jobs ask."""

from __future__ import annotations

import dataclasses
import inspect
import typing

from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.objectives import ObjectiveName
from spark_jobs.objectives.beside_default import BesideDefault
from spark_jobs.objectives.objective_registry import OBJECTIVES
from spark_jobs.objectives.protocol import Objective


def test_every_objective_has_all_of_the_interface() -> None:
    assert tuple(OBJECTIVES) == typing.get_args(ObjectiveName)
    methods = [name for name, _ in inspect.getmembers(Objective, inspect.isfunction) if not name.startswith("_")]
    assert sorted(methods) == ["measure", "ready"]
    for objective in OBJECTIVES.values():
        assert all(callable(getattr(objective, name)) for name in methods)


def test_a_report_shows_only_settings_that_a_training_has() -> None:
    fields = {field.name for field in dataclasses.fields(TrainModelConfig)}
    for name, objective in OBJECTIVES.items():
        if isinstance(objective, BesideDefault):
            assert objective.name == name
            assert set(objective.shown) <= fields
