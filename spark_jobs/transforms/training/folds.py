"""Splits training rows into folds, each with an early-stopping slice inside. Grain: one row per borrower, each once.

A shard holds the rows of one block but for its early-stopping slice, which is a shard of its own: one set of files a
shard, and the rows that a trial may train on are the files of other blocks. Blocks in time are split once more, by how
many of the following blocks begin before the outcome of a row is known.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arrears.contracts.job_configs.experiments import Folds
from arrears.contracts.tables.column_names import ID, LABEL
from arrears.contracts.tables.knowledge import LabelKnowledge
from spark_jobs.transforms.bank.knowledge_columns import decision_moment, label_moment
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.training.training_rows import ROW_ORDER

NEVER_TOLD = LabelKnowledge()
_BEFORE_ALL = "0001-01-01"


def shards_of(folds: Folds, block: int) -> tuple[int, ...]:
    """The shards of a block's rows but for its early-stopping slice, which lies in the ``stopping`` shard of each."""
    delays = folds.blocks - block if folds.kind == "expanding" else 1
    return tuple(2 * (delay * folds.blocks + block) for delay in range(delays))


def shards_behind(folds: Folds, block: int) -> tuple[int, ...]:
    """The shards, their ``stopping`` shards aside, that the model for a block may learn from.

    Of blocks in time they hold the rows whose outcome was known on the first day of the block.
    """
    known_after = {number: block - number if folds.kind == "expanding" else 1 for number in folds.trained_on(block)}
    return tuple(shard for number, delays in known_after.items() for shard in shards_of(folds, number)[:delays])


def stopping(shard: int) -> int:
    """The shard of the early-stopping slice beside the other rows of a shard."""
    return shard + 1


def to_fold_rows(
    borrowers: DataFrame,
    folds: Folds,
    *,
    features: Sequence[str],
    validation_share: float,
    seed: int,
    group: str | None = None,
    event_time: str | None = None,
    known: LabelKnowledge = NEVER_TOLD,
) -> DataFrame:
    """Gives each borrower its shard and its place in the training order.

    Stratified and grouped blocks hold both classes in proportion, to one row or customer. Expanding ones hold whole
    days in order of time, about equally many rows each. So does every block's early-stopping slice, which shares no
    customer with its block's other rows where ``group`` is given.

    Args:
        group: column of the customer. Grouped folds need it. A row without customer stands for itself.
        event_time: column of the moment of decision. Expanding folds need it. Rows without it count as the earliest.
        known: when the outcome of a decision is known, as in ``splits.with_time_part``.
    """
    customer = F.col(ID) if group is None else F.coalesce(F.col(f"`{group}`").cast("string"), F.col(ID))
    unit = customer if folds.kind == "grouped" else F.col(ID)
    times = _times(borrowers, event_time or "", known) if folds.kind == "expanding" else []
    # Narrow rows alone are sorted; the wide ones are shuffled once, to get their shard.
    named = borrowers.select(ID, LABEL, customer.alias("_customer"), unit.alias("_unit"), *times)
    if folds.kind == "expanding":
        blocked = _with_time_block(named, folds.blocks)
    else:
        blocked = _with_dealt_block(named, folds.blocks, seed)
    # Customers may span blocks of stratified and expanding folds, yet inside one block they are kept whole.
    in_block = blocked.withColumn("_stratum", F.max(LABEL).over(Window.partitionBy("_block", "_customer")))
    sliced = _with_place(in_block, ("_block", "_stratum"), hash_of(seed, "fold slice", "_customer"), "_customer")
    places = F.max("_place").over(Window.partitionBy("_block", "_stratum")) + 1
    is_stopping = F.col("_place") < F.ceil(places * F.lit(validation_share))
    shard = 2 * (F.col("_delay") * folds.blocks + F.col("_block")) + is_stopping.cast("int")
    shards = sliced.select(ID, shard.cast("int").alias("_shard"))
    return borrowers.join(shards, on=ID, how="inner").select(
        *(F.col(f"`{name}`") for name in features),
        F.col(LABEL),
        hash_of(seed, "order", ID).alias(ROW_ORDER),
        F.col("_shard").alias("shard"),
    )


def _with_dealt_block(named: DataFrame, blocks: int, seed: int) -> DataFrame:
    """Deals out units in turn within each class, in the order of a hash. A customer's class is its worst outcome."""
    classed = named.withColumn("_class", F.max(LABEL).over(Window.partitionBy("_unit")))
    placed = _with_place(classed, ("_class",), hash_of(seed, "folds", "_unit"), "_unit")
    return placed.withColumns({"_block": F.pmod("_place", F.lit(blocks)), "_delay": F.lit(0)})


def _times(borrowers: DataFrame, event_time: str, known: LabelKnowledge) -> list[Column]:
    decided = decision_moment(borrowers, event_time)
    return [F.to_date(decided).alias("_day"), label_moment(borrowers, event_time, known).alias("_known_at")]


def _with_time_block(named: DataFrame, blocks: int) -> DataFrame:
    """Days are cut where about equally many rows lie between two cuts. A day is never cut.

    ``_delay`` tells how many of the following blocks begin before the outcome of a decision is known.
    """
    days = named.groupBy("_day").agg(F.count(F.lit(1)).alias("_rows"))
    # One partition on purpose: one row a day.
    earlier = Window.partitionBy(F.lit(0)).orderBy(F.col("_day").asc_nulls_first())
    before = F.coalesce(F.sum("_rows").over(earlier.rowsBetween(Window.unboundedPreceding, -1)), F.lit(0))
    total = F.sum("_rows").over(Window.partitionBy(F.lit(0)))
    middle = (before + F.col("_rows") / 2) / total
    placed = days.withColumn("_block", F.floor(middle * blocks))
    # A block of undated rows begins before all others.
    first = F.coalesce(F.min("_day").over(Window.partitionBy("_block")), F.lit(_BEFORE_ALL).cast("date"))
    begun = placed.withColumn("_first", first.cast("timestamp")).withColumn(
        "_firsts", F.collect_set("_first").over(Window.partitionBy(F.lit(0)))
    )
    cut = begun.select(F.col("_day").alias("_cut_day"), "_block", "_firsts")
    blocked = named.join(F.broadcast(cut), on=F.col("_day").eqNullSafe(F.col("_cut_day")), how="inner")
    begun_before = F.size(F.filter("_firsts", lambda moment: moment < F.col("_known_at")))
    delay = F.greatest(begun_before - F.col("_block") - 1, F.lit(0))
    return blocked.withColumn("_delay", delay).drop("_firsts")


def _with_place(rows: DataFrame, within: Sequence[str], order: Column, key: str) -> DataFrame:
    """Adds the number of a row's unit within its group, from 0."""
    return rows.withColumn("_place", F.dense_rank().over(Window.partitionBy(*within).orderBy(order, key)) - 1)
