"""Trains the model that serves, and keeps the models that have not seen some of its rows.

Whoever chooses a cut-off or reads limits off scores needs scores of rows that a model was not fitted to. Three ways:

* A slice and ``refit`` (the default): a first model is ended by the slice and scores it. Then the same recipe is
  trained on all rows, with the trees found, times 1 / (1 - the slice's share), and that model serves.
* A slice without ``refit``: the model that the slice ended serves, and scores it.
* No slice: the model is trained on all rows with all its iterations, and ``CROSS_FITS`` models, each without one part
  of the rows, score the part that they lack.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pyspark.sql import SparkSession

from spark_jobs.engines.interface import VALIDATION_SHARD, Engine, FittedModel, TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, Snapshot
from spark_jobs.io.snapshots import read_slices
from spark_jobs.transforms.training.training_rows import AGAIN

log = logging.getLogger(__name__)

CROSS_FITS = 3  # each learns from two thirds of the rows: three trainings cost as much as two of the whole
_OF_THE_SLICE = "best_validation"


@dataclass(frozen=True)
class Unseen:
    """A model, and rows that it was not fitted to."""

    model: bytes
    rows: Snapshot


@dataclass(frozen=True)
class TrainedModel:
    """The model that serves, and by which models its rows are scored unseen."""

    fitted: FittedModel
    unseen: tuple[Unseen, ...]


def trained_model(
    spark: SparkSession, engine: Engine, snapshot: Snapshot, spec: TrainingSpec, *, refit: bool
) -> TrainedModel:
    """Trains by the recipe that was asked for.

    Args:
        snapshot: training rows in shards, the slices kept back, and for ``refit`` the slice's rows once more.

    Raises:
        BadConfiguration: as the engine does.
    """
    if not snapshot.shard(VALIDATION_SHARD):
        fitted = engine.fit(spark, as_parts_of_one(snapshot, spec.shards), spec, read_slices)
        return TrainedModel(fitted, tuple(_cross_fitted(spark, engine, snapshot, spec)))
    first = engine.fit(spark, snapshot, spec, read_slices)
    unseen = (Unseen(first.model, only(snapshot, snapshot.shard(VALIDATION_SHARD))),)
    if not refit:
        return TrainedModel(first, unseen)
    whole = with_slice(snapshot)
    again = spec_again(engine, spec, first.facts, growth=whole.rows / _learnt_rows(snapshot))
    log.info("training again on all %d rows, with %d iterations", whole.rows, again.iterations)
    fitted = engine.fit(spark, whole, again, read_slices)
    return TrainedModel(replace(fitted, facts=_facts_of_both(first, fitted)), unseen)


def spec_again(
    engine: Engine, spec: TrainingSpec, facts: Mapping[str, float | int | str], *, growth: float
) -> TrainingSpec:
    """The recipe for all rows: as many trees as the slice found, in proportion to the rows, at the same step size.

    Args:
        facts: of the training that the slice ended.
        growth: all rows over those that the slice left.
    """
    if not engine.stops_early or "trees" not in facts:
        return spec
    trees = int(facts["trees"]) / max(1, int(facts.get("shards", 1)) if engine.adds_up_shards else 1)
    rate = facts.get("learning_rate", spec.learning_rate)
    return replace(
        spec,
        iterations=max(1, min(spec.iterations, round(trees * growth))),
        learning_rate=None if rate is None else float(rate),
    )


def with_slice(snapshot: Snapshot) -> Snapshot:
    """The validation slice's rows spread over the shards, as training rows. Nothing is left to end a training."""
    training_slices = [piece for piece in snapshot.slices if piece.shard >= 0]
    again = [replace(piece, shard=AGAIN - piece.shard) for piece in snapshot.slices if piece.shard <= AGAIN]
    return only(snapshot, (*training_slices, *again), "again")


def as_parts_of_one(snapshot: Snapshot, shards: int) -> Snapshot:
    """The training rows that were split into parts for cross-fitting, as the shards that the model is trained in."""
    pieces = [piece for piece in snapshot.slices if piece.shard >= 0]
    return only(snapshot, [replace(piece, shard=0) for piece in pieces] if shards == 1 else pieces)


def _cross_fitted(spark: SparkSession, engine: Engine, snapshot: Snapshot, spec: TrainingSpec) -> Iterable[Unseen]:
    parts = sorted({piece.shard for piece in snapshot.slices if piece.shard >= 0})
    for fold in range(min(CROSS_FITS, len(parts))):
        behind = [part for part in parts if part % CROSS_FITS != fold]
        number = dict.fromkeys(behind, 0) if spec.shards == 1 else {part: n for n, part in enumerate(behind)}
        slices = [replace(piece, shard=number[piece.shard]) for piece in snapshot.slices if piece.shard in number]
        left = [piece for piece in snapshot.slices if piece.shard >= 0 and piece.shard not in number]
        log.info("cross-fitting %d of %d", fold + 1, min(CROSS_FITS, len(parts)))
        own = replace(spec, shards=max(number.values()) + 1)
        fitted = engine.fit(spark, only(snapshot, slices, f"without-{fold}"), own, read_slices)
        yield Unseen(fitted.model, only(snapshot, left))


def _learnt_rows(snapshot: Snapshot) -> int:
    return max(1, sum(piece.rows for piece in snapshot.slices if piece.shard >= 0))


def _facts_of_both(first: FittedModel, again: FittedModel) -> dict[str, float | int | str]:
    """Those of the model that serves, with what the slice told of the first one, and the seconds of both."""
    measured = {name: fact for name, fact in first.facts.items() if name.startswith(_OF_THE_SLICE)}
    seconds = {
        name: float(fact) + float(again.facts.get(name, 0.0))
        for name, fact in first.facts.items()
        if name.endswith("_seconds")
    }
    slice_facts = {"trees_on_the_slice": first.facts["trees"]} if "trees" in first.facts else {}
    return {**again.facts, **measured, **seconds, **slice_facts}


def only(snapshot: Snapshot, slices: Iterable[FileSlice], name: str = "") -> Snapshot:
    """Some slices of a snapshot. A name tells a training of them from one of the whole."""
    pieces = tuple(slices)
    digest = f"{snapshot.digest}-{name}" if name else snapshot.digest
    return replace(snapshot, slices=pieces, rows=sum(piece.rows for piece in pieces), digest=digest)
