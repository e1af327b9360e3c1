"""Every engine by its name. A library is imported only where its engine is used."""

from __future__ import annotations

from importlib import import_module

from spark_jobs.engines.contract import Engine

_MODULES = {
    "catboost": "catboost",
    "catboost-spark": "catboost_spark",
    "xgboost": "xgboost",
    "logistic_regression": "mllib_logistic_regression",
    "random_forest": "mllib_random_forest",
    "gbt": "mllib_gbt",
    "naive_bayes": "mllib_naive_bayes",
    "scorecard": "scorecard",
}


def engine_named(name: str) -> Engine:
    """The engine that a configuration asks for."""
    engine: Engine = import_module(f"spark_jobs.engines.{_MODULES[name]}").ENGINE
    return engine
