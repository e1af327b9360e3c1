"""Every engine by its name. A library is imported only where its engine is used."""

from __future__ import annotations

from importlib import import_module

from spark_jobs.engines.interface import Engine

_MODULES = {
    "catboost": "catboost.engine",
    "catboost-spark": "catboost.spark_package",
    "xgboost": "xgboost",
    "logistic_regression": "mllib.logistic_regression",
    "random_forest": "mllib.random_forest",
    "gbt": "mllib.gbt",
    "naive_bayes": "mllib.naive_bayes",
    "scorecard": "scorecard",
}


def engine_named(name: str) -> Engine:
    """The engine that a configuration asks for."""
    engine: Engine = import_module(f"spark_jobs.engines.{_MODULES[name]}").ENGINE
    return engine
