"""A scorecard: logistic regression on weights of evidence, with points that a regulator reads.

On its own, evidence always speaks the same way: a bin with more weight holds safer borrowers. Beside other features a
coefficient may turn round, because they tell the same story. Such a feature would cost points for being safer: it is
dropped, the worst first, and the rest is fitted again until every feature works the way its evidence does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.scorers.linear import LinearModel
from arrears.scoring.scorers.scorecard_points import PointScale, Scorecard, points_rows
from arrears.scoring.woe import EvidenceTable
from spark_jobs.engines.examples import example_borrower
from spark_jobs.engines.interface import Engine, FittedModel, TrainingSpec
from spark_jobs.engines.mllib.classifiers import (
    VECTOR,
    checked_estimator,
    finished,
    log_progress,
    prepared_rows,
    to_vectors,
)
from spark_jobs.engines.mllib.classifiers import option_problems as learner_problems
from spark_jobs.engines.mllib.logistic_regression import LEARNER
from spark_jobs.engines.model_rows import IS_VALIDATION, Facts, Moments, input_names, row_facts
from spark_jobs.engines.row_groups import ReadSlices, Snapshot

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger(__name__)

_SCALE_OPTIONS = {"base_points": "base_points", "base_odds": "base_odds", "pdo": "doubling_points"}
_USED = "used"


@dataclass(frozen=True)
class _Step:
    """One fit: coefficients of all inputs, 0 for those left out."""

    coefficients: tuple[float, ...]
    intercept: float
    steps: int


def fit(spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices) -> FittedModel:
    """Trains a scorecard. ``base_points``, ``base_odds`` and ``pdo`` among the options set its scale.

    Raises:
        BadConfiguration: the options are wrong, inputs are not weights of evidence, or no feature keeps its evidence's
            direction.
    """
    if problems := option_problems(spec.options):
        raise BadConfiguration(*problems)
    evidence, scale = _evidence(spec), _scale(spec)
    opposed = _opposed(spec, evidence)
    bare = replace(spec, options=_without_scale(spec.options), monotone={})
    estimator = checked_estimator(_LEARNER, spark, bare)
    with prepared_rows(spark, snapshot, bare, read) as (rows, moments):
        vectors = to_vectors(rows, moments).where(f"NOT {IS_VALIDATION}").drop(IS_VALIDATION).persist()
        try:
            started = time.monotonic()
            with log_progress("scorecard"):
                fitted, left_out = _stepwise(estimator, vectors, moments, [t.column for t in evidence], opposed)
        finally:
            vectors.unpersist()
        formula = LinearModel(fitted.coefficients, fitted.intercept, moments.means, moments.deviations)
        table = points_rows(formula, evidence, scale)
        facts: Facts = {
            "features": sum(coefficient != 0 for coefficient in fitted.coefficients),
            "dropped_features": ", ".join(left_out) or "none",
            "steps": fitted.steps,
            **row_facts(snapshot, spec, moments.rows),
            "train_seconds": time.monotonic() - started,
        }
        model = Scorecard(formula, scale, table, left_out)
        return finished("scorecard", model, facts, rows, example_borrower(spark, snapshot, bare, read))


def _stepwise(
    estimator: Any, vectors: DataFrame, moments: Moments, features: Sequence[str], opposed: Sequence[int]
) -> tuple[_Step, tuple[str, ...]]:
    """Fits, drops the feature that works hardest against its evidence, and so on until none does.

    Args:
        opposed: inputs left out from the beginning, for their evidence runs against what was declared.
    """
    used = [n for n, deviation in enumerate(moments.deviations) if deviation > 0 and n not in opposed]
    left_out = [features[number] for number in opposed]
    for name in left_out:
        log.warning("scorecard drops %s: its bins run against the direction declared for it", name)
    while used:
        step = _fitted(estimator, vectors, used, len(features))
        # Weight of evidence is high where borrowers are safe: the log-odds of default must fall with it.
        against = {number: step.coefficients[number] * moments.deviations[number] for number in used}
        worst = max(used, key=lambda number: (against[number], -number))
        if against[worst] < 0:
            return step, tuple(left_out)
        log.warning("scorecard drops %s: it works against its evidence beside the other features", features[worst])
        left_out.append(features[worst])
        used.remove(worst)
    raise BadConfiguration("no feature keeps the direction of its evidence: there is nothing to build a scorecard from")


def _fitted(estimator: Any, vectors: DataFrame, used: Sequence[int], width: int) -> _Step:
    from pyspark.ml.feature import VectorSlicer

    sliced = VectorSlicer(inputCol=VECTOR, outputCol=_USED, indices=list(used)).transform(vectors)
    fitted = estimator.setFeaturesCol(_USED).fit(sliced)
    coefficients = [0.0] * width
    for number, coefficient in zip(used, fitted.coefficients.toArray(), strict=True):
        coefficients[number] = float(coefficient)
    return _Step(tuple(coefficients), float(fitted.intercept), int(fitted.summary.totalIterations))


def _evidence(spec: TrainingSpec) -> tuple[EvidenceTable, ...]:
    """The table behind each input, in order."""
    tables = {table.output: table for table in spec.preparation.evidence}
    names = input_names(spec)
    bare = [name for name in names if name not in tables]
    if bare:
        raise BadConfiguration(f"a scorecard reads weights of evidence, not {', '.join(bare)}: choose --encoding woe")
    return tuple(tables[name] for name in names)


def _opposed(spec: TrainingSpec, evidence: Sequence[EvidenceTable]) -> list[int]:
    """Inputs whose bins run against the direction that was declared for the feature."""
    opposed = []
    for number, table in enumerate(evidence):
        rises = table.bins[-1].woe - table.bins[0].woe if table.edges else 0.0
        # Weight of evidence falls where the default rate rises.
        if rises * spec.monotone.get(table.column, 0) > 0:
            opposed.append(number)
    return opposed


def _scale(spec: TrainingSpec) -> PointScale:
    scale = {_SCALE_OPTIONS[name]: float(value) for name, value in spec.options.items() if name in _SCALE_OPTIONS}
    return PointScale(**scale)


def option_problems(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the scale of the points, or with an option of the logistic regression beneath."""
    problems = [
        f"engine_options: {name} must be a number above 0, not {options[name]!r}"
        for name in _SCALE_OPTIONS
        if name in options and not _is_above_zero(options[name])
    ]
    return problems + learner_problems(_LEARNER, _without_scale(options))


def _is_above_zero(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _without_scale(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in _SCALE_OPTIONS}


_LEARNER = replace(LEARNER, name="scorecard")
ENGINE = Engine(
    "scorecard", fit, takes_missing=True, takes_monotone=True, option_problems=option_problems, needs_evidence=True
)
