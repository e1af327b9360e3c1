"""The training rows of an experiment, pinned once: each trial sees its rows as a view of the same files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.catalogue import Table
from arrears.contracts.descriptions import DatasetDescription
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.experiments import Folds
from arrears.contracts.jobs import TrainModelConfig
from arrears.model.resampling import Resampling
from spark_jobs.engines.contract import VALIDATION_SHARD, FileSlice, Snapshot
from spark_jobs.io import snapshots, tables
from spark_jobs.transforms.folds import stopping_shard, to_fold_rows, training_shard
from spark_jobs.transforms.resampling import to_class_counts, to_resampled_rows
from spark_jobs.transforms.training_rows import ROW_ORDER

log = logging.getLogger(__name__)


@dataclass
class PinnedFolds:
    """The rows of every block, as files; where trials resample, a second set of files for each way of it.

    Attributes:
        rows: every pinned row, its ``shard`` telling block and early-stopping slice (see ``transforms.folds``).
        non_defaults, defaults: how many training rows of each class there are, early-stopping slices left out.
    """

    spark: SparkSession
    address: str
    folds: Folds
    snapshot: Snapshot
    seed: int
    non_defaults: int
    defaults: int
    _resampled: dict[Resampling, Snapshot] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def held_out(self, block: int) -> Snapshot:
        """The rows that a model for this block is measured on."""
        slices = self.snapshot.shard(training_shard(block)) + self.snapshot.shard(stopping_shard(block))
        return self._view(slices, f"block-{block}")

    def training(self, block: int, resampling: Resampling) -> tuple[Snapshot, DataFrame]:
        """What the model for this block may learn from: its files, and the same rows without the early-stopping slice.

        Only training rows are resampled; what is measured on, and what stops a training early, stay as they came.
        """
        source, address = self._source(resampling)
        blocks = self.folds.trained_on(block)
        training = [training_shard(number) for number in blocks]
        stopping = [piece for number in blocks for piece in self.snapshot.shard(stopping_shard(number))]
        slices = [replace(piece, shard=0) for number in training for piece in source.shard(number)]
        slices += [replace(piece, shard=VALIDATION_SHARD) for piece in stopping]
        name = f"without-{block}-{resampling.kind}-{resampling.factor:g}"
        rows = snapshots.read_training(self.spark, address).where(F.col("shard").isin(training))
        return self._view(slices, name), rows.withColumn("shard", F.lit(0))

    def _source(self, resampling: Resampling) -> tuple[Snapshot, str]:
        if not resampling.changes_rows:
            return self.snapshot, f"{self.address}/rows"
        address = f"{self.address}/{resampling.kind}-{resampling.factor:g}"
        with self._lock:
            if resampling not in self._resampled:
                shards = [training_shard(block) for block in range(self.folds.blocks)]
                rows = snapshots.read_training(self.spark, f"{self.address}/rows").where(F.col("shard").isin(shards))
                self._resampled[resampling] = snapshots.materialise(
                    to_resampled_rows(rows, resampling, seed=self.seed),
                    address,
                    shards=shards,
                    digest=f"{self.snapshot.digest}-{resampling.kind}-{resampling.factor:g}",
                    sort_key=ROW_ORDER,
                )
        return self._resampled[resampling], address

    def _view(self, slices: Sequence[FileSlice], name: str) -> Snapshot:
        rows = sum(piece.rows for piece in slices)
        return Snapshot(tuple(slices), rows, f"{self.snapshot.digest}-{name}", self.snapshot.sort_key)


@contextmanager
def pinned_folds(
    spark: SparkSession, config: TrainModelConfig, folds: Folds, description: DatasetDescription, *, name: str
) -> Iterator[PinnedFolds]:
    """Parts the training rows into folds and writes them down, for the length of the block.

    Raises:
        UpstreamNotReady: the training set has no such version.
        BadConfiguration: the data set has no customer or no time for such folds, or a fold would hold no row.
    """
    _check_kind(folds, description)
    borrowers = tables.read_version(spark, config.catalogue, Table.TRAIN, config.dataset, config.dataset_version)
    address = config.catalogue.snapshot(config.dataset, name)
    try:
        rows = to_fold_rows(
            borrowers,
            folds,
            features=description.features,
            validation_share=config.validation_share,
            seed=config.seed,
            group=description.group,
            event_time=description.event_time,
        )
        snapshot = snapshots.materialise(
            rows,
            f"{address}/rows",
            shards=range(2 * folds.blocks),
            digest=f"{config.dataset_version}-{config.seed}-{folds.kind}-{folds.number}-{config.validation_share}",
            sort_key=ROW_ORDER,
        )
        _refuse_empty(snapshot, folds)
        shards = [training_shard(block) for block in range(folds.blocks)]
        training = snapshots.read_training(spark, f"{address}/rows").where(F.col("shard").isin(shards))
        (counts,) = to_class_counts(training).collect()
        log.info("%d rows are pinned in %d %s folds", snapshot.rows, folds.number, folds.kind)
        yield PinnedFolds(spark, address, folds, snapshot, config.seed, counts["non_defaults"], counts["defaults"])
    finally:
        snapshots.discard(address)


def _check_kind(folds: Folds, description: DatasetDescription) -> None:
    if folds.kind == "grouped" and description.group is None:
        raise BadConfiguration(
            f"{description.name} declares no group: folds of kind grouped need the customer's column"
        )
    if folds.kind == "expanding" and description.event_time is None:
        raise BadConfiguration(f"{description.name} declares no event_time: folds of kind expanding need it")
    if folds.kind != "grouped" and description.group is not None:
        log.warning("customers (%s) may have rows in several folds: grouped folds keep them whole", description.group)


def _refuse_empty(snapshot: Snapshot, folds: Folds) -> None:
    empty = [
        block
        for block in range(folds.blocks)
        if not snapshot.shard(training_shard(block)) or not snapshot.shard(stopping_shard(block))
    ]
    if empty:
        raise BadConfiguration(
            f"{len(empty)} of {folds.blocks} {folds.kind} blocks of {snapshot.rows} rows would lack rows:"
            " ask for fewer folds"
        )
