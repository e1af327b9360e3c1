"""Every engine by its name. A library is imported only where its engine is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from arrears.contracts.engines import engine_entry
from arrears.contracts.objectives import DEFAULT
from spark_jobs.engines.interface import Engine


def engine_named(name: str) -> Engine:
    """The engine of default models that a configuration asks for."""
    engine: Engine = engine_for(DEFAULT, name)
    return engine


def engine_for(objective: str, name: str) -> Any:
    """The function that fits models of an objective. Its type is the objective's own."""
    entry = engine_entry(objective, name)
    return getattr(import_module(f"spark_jobs.engines.{entry.module}"), entry.attribute)
