"""What surrounds an engine: pinning the rows that it may see, and what is learnt from them before it trains."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.preparation_choices import SamplingChoices
from arrears.contracts.tables.column_names import LABEL
from arrears.model.fitting.resampling import Resampling, resampling
from arrears.scoring.document import LevelRates
from spark_jobs.engines.catboost.catboost_options import BORDER_ROWS, ONE_HOT_LEVELS
from spark_jobs.engines.interface import TrainingSpec
from spark_jobs.engines.row_groups import Snapshot
from spark_jobs.io import snapshots, tables
from spark_jobs.io.training_progress import ProgressFiles
from spark_jobs.training.fitting import CROSS_FITS
from spark_jobs.training.learnt_preparation import learnt_preparation, one_hot_columns
from spark_jobs.training.sharding import RowCounts, chosen_shards
from spark_jobs.training.training_plan import TrainingPlan, monotone
from spark_jobs.transforms.training.rejected_rows import ROW_WEIGHT, as_counted
from spark_jobs.transforms.training.resampled_rows import to_class_counts, to_resampled_rows
from spark_jobs.transforms.training.training_rows import (
    ROW_ORDER,
    level_of,
    marked_again,
    to_level_counts,
    to_training_rows,
    with_sample_mark,
    with_slice_again,
)

log = logging.getLogger(__name__)

MOST_RATED_LEVELS = 50_000  # a category, in the model's document: an id as a category would fill the driver's memory


@dataclass(frozen=True)
class PinnedTraining:
    """Exactly the rows that one training may see, how to train on them, and what was done to rare defaults."""

    snapshot: Snapshot
    spec: TrainingSpec
    resampling: Resampling


@contextmanager
def pinned_rows(
    spark: SparkSession,
    plan: TrainingPlan,
    *,
    name: str,
    borrowers: DataFrame | None = None,
    change: Callable[[DataFrame, int], DataFrame] | None = None,
    what: str = "",
) -> Iterator[PinnedTraining]:
    """Materialises the training rows, resampled, ordered and split into shards, for the length of the block.

    Args:
        borrowers: None: the training set of the plan's dataset version.
        change: makes weighted rows of the training rows in so many shards. Slices that are kept back are not its own.
        what: tells these rows from those of another training of the same version.

    Raises:
        UpstreamNotReady: the training set has no such version.
        BadConfiguration: the rows do not fit into the memory of a task, or under-sampling would leave a shard without
            one class.
    """
    run, share = plan.run, plan.model.validation_share
    if borrowers is None:
        borrowers = tables.read_version(spark, run.addresses, Table.TRAIN, run.dataset, run.dataset_version)
    shards = chosen_shards(plan, lambda: _counted(borrowers, plan))
    # Without a slice the rows of one shard are split into parts for cross-fitting.
    dealt_into = shards if share or shards > 1 else CROSS_FITS
    rows, sampled = _with_shards(borrowers, plan, shards=dealt_into, change=change)
    parts = (
        *([what] if what else []),
        run.dataset_version,
        plan.cluster.seed,
        share,
        plan.calibration_share,
        dealt_into,
    )
    address = run.addresses.snapshot(run.dataset, name)
    try:
        snapshot = snapshots.materialise(
            rows,
            address,
            digest="-".join(map(str, (*parts, sampled.kind, sampled.factor))),
            sort_key=ROW_ORDER,
        )
        training = snapshots.read_training(spark, address)
        if change is not None:
            training = as_counted(training, seed=plan.cluster.seed)
        spec = replace(
            training_spec(training, plan, shards),
            weight=ROW_WEIGHT if change is not None else None,
            class_weights=sampled.class_weights,
            stopping_weights=sampled.stopping_weights,
            progress=ProgressFiles(run.addresses.snapshot(run.dataset, "training")),
        )
        yield PinnedTraining(snapshot, spec, sampled)
    finally:
        snapshots.discard(address)


def _counted(borrowers: DataFrame, plan: TrainingPlan) -> RowCounts:
    """What the memory of a training depends on, in one pass, and another one where categories become columns."""
    ((rows, defaults),) = borrowers.agg(F.count(F.lit(1)), F.count_if(F.col(LABEL) == 1)).collect()
    one_hot = plan.preparation.encoding == "one_hot"
    columns = one_hot_columns(borrowers, plan.description, row_count=rows) if one_hot else 0
    return RowCounts(rows, defaults, columns)


def _with_shards(
    borrowers: DataFrame,
    plan: TrainingPlan,
    *,
    shards: int,
    change: Callable[[DataFrame, int], DataFrame] | None = None,
) -> tuple[DataFrame, Resampling]:
    """The rows in slices and shards, resampled. With several shards, rows to learn common borders from are marked."""
    seed, exposure = plan.cluster.seed, plan.cutoff.exposure
    exposure_columns = (exposure,) if exposure else ()
    rows = to_training_rows(
        borrowers,
        features=tuple(dict.fromkeys((*plan.description.features, *exposure_columns))),
        validation_share=plan.model.validation_share,
        calibration_share=plan.calibration_share,
        shards=shards,
        seed=seed,
        group=plan.description.group,
    )
    sampled = _resampling(rows, plan.sampling, shards)
    is_again = plan.model.refit and plan.model.validation_share
    if is_again:
        rows = with_slice_again(rows, shards)
    sharded = to_resampled_rows(rows, sampled, seed=seed)
    if change is not None:
        sharded = change(sharded, shards)
    if is_again:
        sharded = marked_again(sharded)
    if shards > 1:
        sharded = with_sample_mark(sharded, min(1.0, BORDER_ROWS / max(1, borrowers.count())))
    return sharded, sampled


def _resampling(rows: DataFrame, choices: SamplingChoices, shards: int) -> Resampling:
    if choices.sampling == "none":
        return Resampling()
    (counts,) = to_class_counts(rows).collect()
    sampling = resampling(choices.sampling, choices.sampling_factor, **counts.asDict())
    if sampling.kind == "under" and counts["non_defaults"] < sampling.factor * shards:
        raise BadConfiguration(
            f"sampling under by {sampling.factor:g} would leave none of {counts['non_defaults']} training rows without"
            f" default in some of {shards} shard(s): choose a smaller sampling_factor, or fewer shards"
        )
    log.info("sampling %s: a default counts %.4g times as much as it occurs", sampling.kind, sampling.factor)
    return sampling


def training_spec(training: DataFrame, plan: TrainingPlan, shards: int) -> TrainingSpec:
    """How to train, and what is learnt from the training rows for it.

    Args:
        training: the rows outside every slice that is kept back.
    """
    description = plan.description
    preparation = learnt_preparation(training, plan.preparation, description)
    _, levels_left = preparation.outputs(description.numeric, description.categorical)
    encoded = () if shards == 1 else _encoded(training, levels_left)
    many = {rates.column for rates in encoded}
    return TrainingSpec(
        label=LABEL,
        numeric=description.numeric,
        categorical=tuple(name for name in description.categorical if name not in many),
        encoded=encoded,
        seed=plan.cluster.seed,
        shards=shards,
        preparation=preparation,
        monotone=monotone(description),
        text=description.text,
        **plan.engine_settings,
    )


def _encoded(training: DataFrame, categorical: tuple[str, ...]) -> tuple[LevelRates, ...]:
    """Categories with too many levels to merge across shards, as the share of training rows that each level has."""
    if not categorical:
        return ()
    ((total, *levels),) = training.agg(
        F.count(F.lit(1)), *(F.count_distinct(level_of(name)) for name in categorical)
    ).collect()
    many = [name for name, count in zip(categorical, levels, strict=True) if count > ONE_HOT_LEVELS]
    return tuple(_level_rates(training, name, total) for name in many)


def _level_rates(training: DataFrame, column: str, total: int) -> LevelRates:
    """The shares of the commonest levels: one that is not among them is too rare to tell from one never seen."""
    counts = to_level_counts(training, column, at_most=MOST_RATED_LEVELS).collect()
    return LevelRates(column, {row["level"]: row["row_count"] / total for row in sorted(counts)})
