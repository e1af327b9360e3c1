"""Ranks the features on a fold's training rows alone, for the path and for the shortlist of a selection."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from arrears.contracts.job_configs.experiments import Experiment
from arrears.model.experiments.feature_selection import ForwardSearch, PathSearch, joined_ranking, sizes_to_try
from arrears.model.experiments.search import Search
from arrears.model.experiments.trials import Proposal
from arrears.scoring.preparation import Preparation
from spark_jobs.engines.catboost.ranking import eliminated_inputs
from spark_jobs.experiments.fold_training import Trials
from spark_jobs.io.snapshots import read_slices

log = logging.getLogger(__name__)


def selection_of(trials: Trials, experiment: Experiment) -> Search:
    """The search for features that an experiment asks for, after the rankings that it needs.

    A forward selection has one shortlist for all folds. In time it is that of the first fold, whose rows lie before all
    that is measured. Otherwise it is that of all folds, whose scores it flatters a little: each row helped to rank for
    others.
    """
    folds = trials.folds.folds
    blocks = folds.measured
    if experiment.search == "forward" and folds.kind == "expanding":
        blocks = blocks[:1]
    elif experiment.search == "forward":
        log.warning(
            "the shortlist is ranked on the training rows of all folds, and features are chosen by the folds' own"
            " scores: these are a little too good, the held-out set tells what the choice is worth"
        )
    with ThreadPoolExecutor(experiment.parallelism, thread_name_prefix="ranking") as pool:
        rank = _by_elimination if experiment.search == "select_features" else _by_importance
        rankings = dict(zip(blocks, pool.map(lambda block: rank(trials, block), blocks), strict=True))
    overall = joined_ranking(rankings.values())
    log.info("the features by %s: %s", experiment.search, ", ".join(overall[: experiment.shortlist]))
    if experiment.search == "forward":
        return ForwardSearch(overall[: experiment.shortlist], experiment)
    return PathSearch(rankings, sizes_to_try(experiment.sizes, len(overall)))


def of_features(importance: Mapping[str, float], preparation: Preparation, features: Sequence[str]) -> dict[str, float]:
    """What a model makes of each feature: the sum over the inputs that come of it, half each where two make one."""
    origins = _origins(preparation)
    shares: dict[str, float] = dict.fromkeys(features, 0.0)
    for name, value in importance.items():
        behind = origins.get(name, (name,))
        for feature in behind:
            shares[feature] += value / len(behind)
    return shares


def _by_importance(trials: Trials, block: int) -> tuple[str, ...]:
    model = trials.model_of(Proposal(0, {}), block)
    features = model.document.features
    weights = of_features(model.importance(), model.document.preparation, features)
    return tuple(sorted(features, key=lambda name: (-weights[name], name)))


def _by_elimination(trials: Trials, block: int) -> tuple[str, ...]:
    """A feature is worth as much as the last of its inputs that CatBoost gives up."""
    snapshot, spec = trials.training_of(Proposal(0, {}), block)
    origins = _origins(spec.preparation)
    eliminated = eliminated_inputs(trials.spark, snapshot, spec, read_slices)
    kept_longest = [feature for name in reversed(eliminated) for feature in origins.get(name, (name,))]
    return tuple(dict.fromkeys(kept_longest))


def _origins(preparation: Preparation) -> dict[str, tuple[str, ...]]:
    """Input that a preparation makes → the features that it is made of."""
    origins: dict[str, tuple[str, ...]] = defaultdict(tuple)
    origins |= {f"{name}_missing": (name,) for name in preparation.missing_flags}
    origins |= {step.output: (step.left, step.right) for step in preparation.interactions}
    origins |= {step.output: (step.column,) for step in preparation.deciles}
    origins |= {step.output: (step.column,) for step in preparation.outliers}
    origins |= {name: (step.column,) for step in preparation.levels for name in step.outputs}
    weighed = {table.output: origins.get(table.column, (table.column,)) for table in preparation.evidence}
    return {**origins, **weighed}
