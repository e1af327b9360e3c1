"""Customer segments by Spark MLlib: k-means, bisecting k-means and Gaussian mixtures on standardised inputs.

Each start is a hash of the seed. The best of a few is kept, because one start may end in a poor local optimum. Segments
are numbered by their size, not by MLlib's arbitrary order.
"""

from __future__ import annotations

import hashlib
import logging
from functools import partial
from typing import Any

import numpy as np
import pyspark
from pyspark.errors import IllegalArgumentException
from pyspark.ml.clustering import BisectingKMeans, GaussianMixture, KMeans
from pyspark.ml.feature import StandardScaler, StandardScalerModel
from pyspark.sql import DataFrame

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.scoring.scorers.clusters import Clusters
from arrears.scoring.scorers.plain_tables import written
from spark_jobs.engines.interface import FittedModel
from spark_jobs.engines.mllib.classifiers import FILE_NAME, MODEL_FORMAT, log_progress
from spark_jobs.engines.objective_interface import (
    VECTOR,
    FitObjective,
    ObjectiveRows,
    ObjectiveSpec,
    model_vectors,
    with_options,
)

log = logging.getLogger(__name__)

STANDARDISED = "standardised"
STARTS = 5
_OURS = ("featuresCol", "predictionCol", "probabilityCol", "k", "seed", "maxIter", "weightCol", "distanceMeasure")
# Scala keeps the tree to itself, but its companion reads it by this method.
_TREE = "org$apache$spark$ml$clustering$BisectingKMeansModel$$parentModel"


def fit(objective_rows: ObjectiveRows, spec: ObjectiveSpec, *, kind: str) -> FittedModel:
    """Finds the segments of all rows.

    Raises:
        BadConfiguration: a setting that the library does not have or refuses. Names all of them.
        BadInput: fewer rows than segments, or no input.
    """
    if objective_rows.row_count < spec.clusters or not objective_rows.inputs:
        raise BadInput(
            f"{objective_rows.row_count} rows of {len(objective_rows.inputs)} inputs"
            f" cannot make {spec.clusters} segments"
        )
    try:
        with model_vectors(objective_rows) as (vectors, _), log_progress(kind):
            scaler = scaler_of(vectors)
            clusters = tables_of(best_model(scaler.transform(vectors), spec, kind=kind), scaler, kind=kind)
    except IllegalArgumentException as error:
        raise BadConfiguration(f"MLlib refuses these settings: {str(error).splitlines()[0]}") from None
    facts: dict[str, float | int | str] = {"train_rows": objective_rows.row_count, "segments": len(clusters.numbers)}
    name = f"{kind} of Spark MLlib {pyspark.__version__}"
    return FittedModel(written(clusters), name, facts, model_format=MODEL_FORMAT, file_name=FILE_NAME)


def scaler_of(vectors: DataFrame) -> StandardScalerModel:
    """Mean 0 and deviation 1 of every input. A constant input becomes 0."""
    return StandardScaler(inputCol=VECTOR, outputCol=STANDARDISED, withMean=True, withStd=True).fit(vectors)


def best_model(rows: DataFrame, spec: ObjectiveSpec, *, kind: str) -> Any:
    """The best of a few starts: least squared distance, or highest likelihood."""
    learners = [_learner(kind, spec, start) for start in range(1 if kind == "bisecting_kmeans" else STARTS)]
    models = [learner.fit(rows) for learner in learners]
    losses = [_loss(model) for model in models]
    log.info("%s: starts ended at %s", kind, ", ".join(f"{loss:.6g}" for loss in losses))
    return models[losses.index(min(losses))]


def tables_of(model: Any, scaler: StandardScalerModel, *, kind: str) -> Clusters:
    """What MLlib fitted, as plain tables."""
    deviations = scaler.std.toArray()
    scales = np.where(deviations > 0, 1 / np.where(deviations > 0, deviations, 1.0), 0.0)
    shape = {"kmeans": lambda _: {"way": "nearest"}, "bisecting_kmeans": _tree, "gaussian_mixture": _mixture}[kind]
    centres = _centres(model)
    # Bisecting may find fewer segments than asked for, and then counts the missing ones as empty.
    sizes = list(model.summary.clusterSizes)[: len(centres)]
    return Clusters(
        means=tuple(map(float, scaler.mean.toArray())),
        scales=tuple(map(float, scales)),
        centres=centres,
        numbers=_by_size(sizes, centres),
        shares=tuple(size / sum(sizes) for size in sizes),
        **shape(model),
    )


def _learner(kind: str, spec: ObjectiveSpec, start: int) -> Any:
    digest = hashlib.sha256(f"{spec.seed}:{kind}:{start}".encode()).digest()
    columns: dict[str, Any] = {
        "featuresCol": STANDARDISED,
        "k": spec.clusters,
        "seed": int.from_bytes(digest[:4], "big"),
    }
    if kind == "kmeans":
        learner: Any = KMeans(**columns, maxIter=spec.iterations or 50)
    elif kind == "bisecting_kmeans":
        learner = BisectingKMeans(**columns, maxIter=spec.iterations or 20)
    else:
        learner = GaussianMixture(**columns, maxIter=spec.iterations or 100)
    return with_options(learner, spec.options, ours=_OURS)


def _loss(model: Any) -> float:
    summary = model.summary
    return -float(summary.logLikelihood) if hasattr(summary, "logLikelihood") else float(summary.trainingCost)


def _centres(model: Any) -> tuple[tuple[float, ...], ...]:
    centres = (
        model.clusterCenters() if hasattr(model, "clusterCenters") else [g.mean.toArray() for g in model.gaussians]
    )
    return tuple(tuple(map(float, centre)) for centre in centres)


def _by_size(sizes: list[int], centres: tuple[tuple[float, ...], ...]) -> tuple[int, ...]:
    """The largest segment is 1. Of two equal ones the lower in the first input comes first."""
    ranked = sorted(range(len(sizes)), key=lambda place: (-sizes[place], centres[place]))
    return tuple(ranked.index(place) + 1 for place in range(len(sizes)))


def _mixture(model: Any) -> dict[str, Any]:
    return {
        "way": "mixture",
        "weights": tuple(map(float, model.weights)),
        "covariances": tuple(tuple(map(float, g.cov.toArray().ravel())) for g in model.gaussians),
    }


def _tree(model: Any) -> dict[str, Any]:
    centres: list[tuple[float, ...]] = []
    children: list[tuple[int, ...]] = []
    segments: list[int] = []

    def add(node: Any) -> int:
        place = len(centres)
        centres.append(tuple(node.center().toArray()))
        segments.append(max(int(node.index()), 0))
        children.append(())
        children[place] = tuple(add(child) for child in node.children())
        return place

    add(getattr(model._java_obj, _TREE)().root())
    return {
        "way": "tree",
        "node_centres": tuple(centres),
        "node_children": tuple(children),
        "node_segments": tuple(segments),
    }


KMEANS: FitObjective = partial(fit, kind="kmeans")
BISECTING_KMEANS: FitObjective = partial(fit, kind="bisecting_kmeans")
GAUSSIAN_MIXTURE: FitObjective = partial(fit, kind="gaussian_mixture")
