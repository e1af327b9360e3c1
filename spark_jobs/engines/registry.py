"""Every engine by its name. A library is imported only where its engine is used."""

from __future__ import annotations

from importlib import import_module

from spark_jobs.engines.contract import Engine

_MODULES = {
    "catboost": "catboost",
}


def engine_named(name: str) -> Engine:
    """The engine that a configuration asks for."""
    engine: Engine = import_module(f"spark_jobs.engines.{_MODULES[name]}").ENGINE
    return engine
