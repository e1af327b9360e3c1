"""Spark MLlib's regressions of a loss: linear, generalised linear, random forest and gradient-boosted trees.

What MLlib fitted is taken out of the JVM as plain tables, so that numpy alone scores. With the same rows and seed a
model is the same however the source was partitioned, up to the last digits of sums (Spark adds parts as they finish).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pyspark
from pyspark.errors import IllegalArgumentException
from pyspark.ml.regression import (
    GBTRegressor,
    GeneralizedLinearRegression,
    LinearRegression,
    RandomForestRegressor,
)
from pyspark.ml.stat import Summarizer
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.scorers.loss_tables import LEAF, LinearLoss, LossTrees, Tree, written
from spark_jobs.engines.contract import FittedModel
from spark_jobs.engines.task_contract import TARGET, VECTOR, FitTask, TaskRows, TaskSpec, to_vectors, with_options

FORMAT, FILE_NAME = "loss_tables", "model.json"
_OURS = ("featuresCol", "labelCol", "predictionCol", "seed", "maxIter", "maxDepth", "numTrees", "stepSize", "weightCol")
_LOGARITHMIC = ("gamma", "tweedie", "poisson")
_LINKS = {"identity": 1.0, "log": 0.0, "inverse": -1.0, "sqrt": 0.5, "logit": None}
_SPLIT = re.compile(r"(If|Else) \(feature (\d+) (<=|>) (\S+)\)")


def fit(given: TaskRows, spec: TaskSpec, *, kind: str) -> FittedModel:
    """Trains one of MLlib's regressions on all rows.

    Raises:
        BadConfiguration: a setting that the library does not have or refuses; names all of them.
    """
    learner = with_options(_learner(kind, spec), spec.options, ours=_OURS)
    if kind == "glm" and "link" in spec.options and spec.options["link"] not in _LINKS:
        raise BadConfiguration(f"engine_options: link is one of {', '.join(_LINKS)}")
    rows = to_vectors(given).persist()
    try:
        fitted = learner.fit(rows)
        is_linear = kind in ("linear", "glm")
        model = _linear(fitted, rows, _link_power(learner) if kind == "glm" else 1.0) if is_linear else _trees(fitted)
    except IllegalArgumentException as error:
        raise BadConfiguration(f"MLlib refuses these settings: {str(error).splitlines()[0]}") from None
    finally:
        rows.unpersist()
    facts: dict[str, float | int | str] = {"train_rows": given.row_count}
    if isinstance(model, LossTrees):
        facts["trees"] = len(model.trees)
    name = f"{type(learner).__name__} of Spark MLlib {pyspark.__version__}"
    return FittedModel(written(model), name, facts, model_format=FORMAT, file_name=FILE_NAME)


def _learner(kind: str, spec: TaskSpec) -> Any:
    columns: dict[str, Any] = {"featuresCol": VECTOR, "labelCol": TARGET}
    if kind == "linear":
        return LinearRegression(**columns, maxIter=spec.iterations or 100)
    if kind == "glm":
        return _generalised(GeneralizedLinearRegression(**columns, maxIter=spec.iterations or 25), spec)
    trees: dict[str, Any] = {**columns, "maxDepth": spec.depth, "seed": spec.seed}
    if kind == "random_forest":
        return RandomForestRegressor(**trees, numTrees=spec.iterations or 100)
    return GBTRegressor(**trees, maxIter=spec.iterations or 50, stepSize=spec.learning_rate or 0.1)


def _generalised(learner: GeneralizedLinearRegression, spec: TaskSpec) -> GeneralizedLinearRegression:
    """Gamma, Tweedie and Poisson get the log link unless told otherwise: with MLlib's own, losses may be negative."""
    family = spec.options.get("family", "gaussian")
    if family == "tweedie" and "linkPower" not in spec.options:
        learner.setLinkPower(0.0)
        if "variancePower" not in spec.options:
            learner.setVariancePower(1.5)
    elif family in _LOGARITHMIC and "link" not in spec.options:
        learner.setLink("log")
    return learner


def _link_power(learner: GeneralizedLinearRegression) -> float | None:
    if learner.getFamily() == "tweedie":
        return float(learner.getLinkPower())
    if learner.isDefined(learner.link):
        return _LINKS[learner.getLink()]
    return None if learner.getFamily() == "binomial" else 1.0


def _linear(fitted: Any, rows: Any, link_power: float | None) -> LinearLoss:
    summary = Summarizer.metrics("mean", "std").summary(F.col(VECTOR)).alias("of")
    (found,) = rows.select(summary).collect()
    return LinearLoss(
        coefficients=tuple(map(float, fitted.coefficients)),
        intercept=float(fitted.intercept),
        link_power=link_power,
        means=tuple(map(float, found["of"]["mean"])),
        deviations=tuple(map(float, found["of"]["std"])),
    )


def _trees(fitted: Any) -> LossTrees:
    trees = tuple(_tree(tree.toDebugString) for tree in fitted.trees)
    boosted = fitted.treeWeights if isinstance(fitted.treeWeights, list) else list(fitted.treeWeights)
    # MLlib's forest averages its trees, whose weights it gives as 1.
    scale = 1.0 if type(fitted).__name__.startswith("GBT") else 1.0 / len(trees)
    importance = tuple(map(float, fitted.featureImportances.toArray()))
    return LossTrees(trees, tuple(scale * float(weight) for weight in boosted), importance)


def _tree(text: str) -> Tree:
    """Reads MLlib's own description of a tree, whose numbers have all their digits: one call instead of one a node."""
    lines = [line.strip() for line in text.splitlines()[1:] if line.strip()]
    nodes: list[tuple[int, float, int, int, float]] = []

    def node(at: int) -> tuple[int, int]:
        """Reads the node that begins at a line; returns its number and the line after it."""
        number = len(nodes)
        nodes.append((LEAF, 0.0, LEAF, LEAF, 0.0))
        if lines[at].startswith("Predict:"):
            nodes[number] = (LEAF, 0.0, LEAF, LEAF, float(lines[at].removeprefix("Predict:")))
            return number, at + 1
        split = _SPLIT.fullmatch(lines[at])
        if split is None:
            raise RuntimeError("MLlib describes its trees in a way that this version of Arrears cannot read")
        left, after = node(at + 1)
        right, after = node(after + 1)
        nodes[number] = (int(split[2]), float(split[4]), left, right, 0.0)
        return number, after

    node(0)
    feature, threshold, left, right, value = zip(*nodes, strict=True)
    return Tree(feature, threshold, left, right, value)


LINEAR: FitTask = partial(fit, kind="linear")
GLM: FitTask = partial(fit, kind="glm")
RANDOM_FOREST: FitTask = partial(fit, kind="random_forest")
GBT: FitTask = partial(fit, kind="gbt")
