"""The tasks that a model can have, which engines do each, and what its models are called in the registry."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT, LOSS, SEGMENTS, NEXT_PRODUCT = "default", "loss", "segments", "next_product"

ENGINES: Mapping[str, tuple[str, ...]] = {
    DEFAULT: (
        "catboost",
        "catboost-spark",
        "xgboost",
        "logistic_regression",
        "random_forest",
        "gbt",
        "naive_bayes",
        "scorecard",
    ),
    LOSS: ("catboost", "linear", "glm", "random_forest", "gbt"),
    SEGMENTS: ("kmeans", "bisecting_kmeans", "gaussian_mixture"),
    NEXT_PRODUCT: ("als",),
}

PREFIXES: Mapping[str, str] = {DEFAULT: "pd", LOSS: "lgd", SEGMENTS: "segments", NEXT_PRODUCT: "next_product"}


def task_problems(task: str, engine: str) -> list[str]:
    """What is wrong with an engine for a task; says which engines do it."""
    if engine in ENGINES[task]:
        return []
    return [f"engine {engine} cannot do task {task}: choose --engine {' or '.join(ENGINES[task])}"]
