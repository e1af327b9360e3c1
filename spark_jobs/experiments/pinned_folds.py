"""The training rows of an experiment, pinned once: each trial sees its rows as a view of the same files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.experiments import Folds
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.job_configs.training_job import TrainingRun
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.knowledge import LabelKnowledge, label_knowledge
from arrears.model.fitting.resampling import Resampling
from arrears.stores.bank_files import parse_bank
from arrears.stores.objects import Objects
from spark_jobs.engines.interface import VALIDATION_SHARD
from spark_jobs.engines.row_groups import FileSlice, Snapshot
from spark_jobs.io import snapshots, tables
from spark_jobs.transforms.training.folds import shards_behind, shards_of, stopping, to_fold_rows
from spark_jobs.transforms.training.resampled_rows import to_class_counts, to_resampled_rows
from spark_jobs.transforms.training.training_rows import ROW_ORDER

log = logging.getLogger(__name__)


@dataclass
class PinnedFolds:
    """The rows of every block, as files. Where trials resample, a second set of files for each way of it.

    Attributes:
        snapshot: every pinned row, its shard telling block and early-stopping slice (see ``transforms.folds``).
        non_defaults, defaults: how many rows of each class any model may learn from, early-stopping slices left out.
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
        own = shards_of(self.folds, block)
        return self._view(_pieces(self.snapshot, (*own, *map(stopping, own))), f"block-{block}")

    def training(self, block: int, resampling: Resampling) -> tuple[Snapshot, DataFrame]:
        """What the model for this block may learn from: its files, and the same rows without the early-stopping slice.

        Only training rows are resampled. What is measured on, and what stops a training early, stay as they came.
        """
        source, address = self._source(resampling)
        training = shards_behind(self.folds, block)
        slices = [replace(piece, shard=0) for piece in _pieces(source, training)]
        slices += [replace(piece, shard=VALIDATION_SHARD) for piece in _pieces(self.snapshot, map(stopping, training))]
        name = f"without-{block}-{resampling.kind}-{resampling.factor}"
        rows = snapshots.read_training(self.spark, address).where(F.col("shard").isin(*training))
        return self._view(slices, name), rows.withColumn("shard", F.lit(0))

    def _source(self, resampling: Resampling) -> tuple[Snapshot, str]:
        if not resampling.changes_rows:
            return self.snapshot, f"{self.address}/rows"
        address = f"{self.address}/{resampling.kind}-{resampling.factor}"
        with self._lock:
            if resampling not in self._resampled:
                rows = _learnt_from(self.spark, self.address, self.folds)
                self._resampled[resampling] = snapshots.materialise(
                    to_resampled_rows(rows, resampling, seed=self.seed),
                    address,
                    digest=f"{self.snapshot.digest}-{resampling.kind}-{resampling.factor}",
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
    """Splits the training rows into folds and writes them, for the length of the block.

    Raises:
        UpstreamNotReady: the training set has no such version.
        BadConfiguration: the data set has no customer or no time for such folds, or a fold would hold no row, or none
            behind it to learn from.
    """
    _check_kind(folds, description)
    borrowers = tables.read_version(spark, config.addresses, Table.TRAIN, config.dataset, config.dataset_version)
    label_known = _label_knowledge(config) if folds.kind == "expanding" else LabelKnowledge()
    address = config.addresses.snapshot(config.dataset, name)
    try:
        rows = to_fold_rows(
            borrowers,
            folds,
            features=description.features,
            validation_share=config.validation_share,
            seed=config.seed,
            group=description.group,
            event_time=description.event_time,
            known=label_known,
        )
        parts = (
            config.dataset_version,
            config.seed,
            folds.kind,
            folds.number,
            config.validation_share,
            str(label_known),
        )
        snapshot = snapshots.materialise(rows, f"{address}/rows", digest="-".join(map(str, parts)), sort_key=ROW_ORDER)
        _refuse_empty(snapshot, folds, str(label_known), has_slice=config.validation_share > 0)
        (counts,) = to_class_counts(_learnt_from(spark, address, folds)).collect()
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


def _label_knowledge(run: TrainingRun) -> LabelKnowledge:
    """When the outcomes of this version of the data set are known, as it was made."""
    manifest = Objects().get_json(run.addresses.dataset_manifest(run.dataset, run.dataset_version))
    knowledge = LabelKnowledge.of(manifest) or _by_description(manifest)
    if not knowledge:
        log.warning(
            "how long an outcome of %s takes to be known is not told: a fold in time learns from all earlier decisions",
            run.dataset,
        )
    return knowledge


def _by_description(manifest: Mapping[str, Any]) -> LabelKnowledge:
    """The same of a version that was made before manifests told it."""
    bank, days = manifest.get("bank"), int(manifest.get("configuration", {}).get("embargo_days", 0))
    knowledge = label_knowledge(parse_bank(bank, where="the bank of the manifest")) if bank else LabelKnowledge()
    return knowledge.later_by(days)


def _learnt_from(spark: SparkSession, address: str, folds: Folds) -> DataFrame:
    """The rows that any of the models may learn from, early-stopping slices left out."""
    shards = {shard for block in folds.measured for shard in shards_behind(folds, block)}
    return snapshots.read_training(spark, f"{address}/rows").where(F.col("shard").isin(*sorted(shards)))


def _pieces(snapshot: Snapshot, shards: Iterable[int]) -> list[FileSlice]:
    return [piece for shard in shards for piece in snapshot.shard(shard)]


def _refuse_empty(snapshot: Snapshot, folds: Folds, gap: str, *, has_slice: bool) -> None:
    def is_empty(block: int) -> bool:
        behind = shards_behind(folds, block)
        needed = [shards_of(folds, block), behind, *([tuple(map(stopping, behind))] if has_slice else [])]
        return not all(_pieces(snapshot, shards) for shards in needed)

    empty = [block for block in folds.measured if is_empty(block)]
    if empty:
        condition = f" whose outcome was known when the fold began ({gap})"
        raise BadConfiguration(
            f"{len(empty)} of {folds.number} {folds.kind} folds of {snapshot.rows} rows would lack rows to measure on,"
            f" or rows to learn from{condition if folds.kind == 'expanding' else ''}: ask for fewer folds"
        )
