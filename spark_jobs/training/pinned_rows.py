"""What surrounds an engine: pinning the rows that it may see, and what is learnt from them before it trains."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.job_configs.training_choices import with_features
from arrears.contracts.tables.column_names import LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.fitting.resampling import Resampling, resampling
from arrears.scoring.document import LevelRates
from spark_jobs.engines.catboost.catboost_options import BORDER_ROWS, ONE_HOT_LEVELS
from spark_jobs.engines.engine_registry import engine_named
from spark_jobs.engines.interface import TrainingSpec
from spark_jobs.engines.options import parsed_options
from spark_jobs.engines.row_groups import Snapshot
from spark_jobs.io import snapshots, tables
from spark_jobs.io.training_progress import ProgressFiles
from spark_jobs.training.fitting import CROSS_FITS
from spark_jobs.training.learnt_preparation import interactions, learnt_preparation, one_hot_columns, suited_to
from spark_jobs.training.sharding import RowCounts, check_choices, chosen_shards, monotone
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
    spark: SparkSession, config: TrainModelConfig, description: DatasetDescription, *, name: str
) -> Iterator[PinnedTraining]:
    """Materialises the training rows, resampled, ordered and dealt into shards, for the length of the block.

    Raises:
        UpstreamNotReady: the training set has no such version.
        BadConfiguration: what is asked for does not fit the features, the engine or the memory of a task.
    """
    engine, description = engine_named(config.engine), with_features(description, config.features)
    check_choices(config, description, engine)
    config = suited_to(engine, config, description)
    interactions(config, description)  # a misspelt feature is told before the rows are sorted
    borrowers = tables.read_version(spark, config.addresses, Table.TRAIN, config.dataset, config.dataset_version)
    shards = chosen_shards(config, description, engine, lambda: _counted(borrowers, config, description))
    calibration_share = config.calibration_share if config.calibration != "none" else 0.0
    # Without a slice the rows of one shard are dealt into parts for cross-fitting.
    dealt_into = shards if config.validation_share or shards > 1 else CROSS_FITS
    rows, sampled = _dealt(borrowers, config, description, calibration_share=calibration_share, shards=dealt_into)
    parts = (config.dataset_version, config.seed, config.validation_share, calibration_share, dealt_into)
    address = config.addresses.snapshot(config.dataset, name)
    try:
        snapshot = snapshots.materialise(
            rows,
            address,
            digest="-".join(map(str, (*parts, sampled.kind, sampled.factor))),
            sort_key=ROW_ORDER,
        )
        training = snapshots.read_training(spark, address)
        spec = replace(
            training_spec(training, config, description, shards),
            class_weights=sampled.class_weights,
            stopping_weights=sampled.stopping_weights,
            progress=ProgressFiles(config.addresses.snapshot(config.dataset, "training")),
        )
        yield PinnedTraining(snapshot, spec, sampled)
    finally:
        snapshots.discard(address)


def _counted(borrowers: DataFrame, config: TrainModelConfig, description: DatasetDescription) -> RowCounts:
    """What the memory of a training depends on, in one pass, and another one where categories become columns."""
    ((rows, defaults),) = borrowers.agg(F.count(F.lit(1)), F.count_if(F.col(LABEL) == 1)).collect()
    columns = one_hot_columns(borrowers, description, row_count=rows) if config.encoding == "one_hot" else 0
    return RowCounts(rows, defaults, columns)


def _dealt(
    borrowers: DataFrame,
    config: TrainModelConfig,
    description: DatasetDescription,
    *,
    calibration_share: float,
    shards: int,
) -> tuple[DataFrame, Resampling]:
    """The rows in slices and shards, resampled; of several shards those are marked from which they learn borders."""
    lent = (config.exposure,) if config.exposure else ()
    rows = to_training_rows(
        borrowers,
        features=tuple(dict.fromkeys((*description.features, *lent))),
        validation_share=config.validation_share,
        calibration_share=calibration_share,
        shards=shards,
        seed=config.seed,
        group=description.group,
    )
    sampled = _resampling(rows, config, shards)
    if config.refit and config.validation_share:
        rows = with_slice_again(rows, shards)
        seen = marked_again(to_resampled_rows(rows, sampled, seed=config.seed))
    else:
        seen = to_resampled_rows(rows, sampled, seed=config.seed)
    if shards > 1:
        seen = with_sample_mark(seen, min(1.0, BORDER_ROWS / max(1, borrowers.count())))
    return seen, sampled


def _resampling(rows: DataFrame, config: TrainModelConfig, shards: int) -> Resampling:
    if config.sampling == "none":
        return Resampling()
    (counts,) = to_class_counts(rows).collect()
    found = resampling(config.sampling, config.sampling_factor, **counts.asDict())
    if found.kind == "under" and counts["non_defaults"] < found.factor * shards:
        raise BadConfiguration(
            f"sampling under by {found.factor:g} would leave none of {counts['non_defaults']} training rows without"
            f" default in some of {shards} shard(s): choose a smaller sampling_factor, or fewer shards"
        )
    log.info("sampling %s: a default counts %.4g times as much as it occurs", found.kind, found.factor)
    return found


def training_spec(
    training: DataFrame, config: TrainModelConfig, description: DatasetDescription, shards: int
) -> TrainingSpec:
    """How to train, and what is learnt from the training rows for it.

    Args:
        training: the rows outside every slice that is kept back.
    """
    suited = suited_to(engine_named(config.engine), config, description)
    preparation = learnt_preparation(training, suited, description)
    _, levels_left = preparation.outputs(description.numeric, description.categorical)
    encoded = () if shards == 1 else _encoded(training, levels_left)
    many = {rates.column for rates in encoded}
    return TrainingSpec(
        label=LABEL,
        numeric=description.numeric,
        categorical=tuple(name for name in description.categorical if name not in many),
        encoded=encoded,
        iterations=config.iterations,
        depth=config.depth,
        early_stopping_rounds=config.early_stopping_rounds,
        seed=config.seed,
        threads=config.threads,
        shards=shards,
        learning_rate=config.learning_rate,
        preparation=preparation,
        options=parsed_options(config.engine_options),
        monotone=monotone(description),
        text=description.text,
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
