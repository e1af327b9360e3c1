"""Parts training rows into folds, each with an early-stopping slice inside. Grain: one row per borrower, each once.

``shard`` is twice the number of the fold's block, plus 1 on the early-stopping slice: one file a shard, and the rows
that a trial may train on are the files of other blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arrears.contracts.descriptions import ID, LABEL
from arrears.contracts.experiments import Folds
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.training_rows import ROW_ORDER


def training_shard(block: int) -> int:
    """The shard of a block's rows but for its early-stopping slice."""
    return 2 * block


def stopping_shard(block: int) -> int:
    """The shard of a block's early-stopping slice."""
    return 2 * block + 1


def to_fold_rows(
    borrowers: DataFrame,
    folds: Folds,
    *,
    features: Sequence[str],
    validation_share: float,
    seed: int,
    group: str | None = None,
    event_time: str | None = None,
) -> DataFrame:
    """Adds each borrower's shard and place in the training order.

    Stratified and grouped blocks hold both classes in proportion, to one row or customer; expanding ones hold whole
    days in order of time, about equally many rows each. So does every block's early-stopping slice, which shares no
    customer with its block's other rows where ``group`` is given.

    Args:
        group: column of the customer; grouped folds need it. A row without customer stands for itself.
        event_time: column of the moment of decision; expanding folds need it. Rows without it count as the earliest.
    """
    customer = F.col(ID) if group is None else F.coalesce(F.col(f"`{group}`").cast("string"), F.col(ID))
    named = borrowers.withColumn("_customer", customer).withColumn(
        "_unit", F.col("_customer") if folds.kind == "grouped" else F.col(ID)
    )
    if folds.kind == "expanding":
        blocked = _with_time_block(named, str(event_time), folds.blocks)
    else:
        blocked = _with_dealt_block(named, folds.blocks, seed)
    # Customers may span blocks of stratified and expanding folds, yet inside one block they are kept whole.
    in_block = blocked.withColumn("_stratum", F.max(LABEL).over(Window.partitionBy("_block", "_customer")))
    sliced = _with_place(in_block, ("_block", "_stratum"), hash_of(seed, "fold slice", "_customer"), "_customer")
    places = F.max("_place").over(Window.partitionBy("_block", "_stratum")) + 1
    is_stopping = F.col("_place") < F.ceil(places * F.lit(validation_share))
    return sliced.select(
        *(F.col(f"`{name}`") for name in features),
        F.col(LABEL),
        hash_of(seed, "order", ID).alias(ROW_ORDER),
        (F.col("_block") * 2 + is_stopping.cast("int")).cast("int").alias("shard"),
    )


def _with_dealt_block(named: DataFrame, blocks: int, seed: int) -> DataFrame:
    """Units are dealt out in turn within each class, in the order of a hash; a customer's is its worst outcome."""
    classed = named.withColumn("_class", F.max(LABEL).over(Window.partitionBy("_unit")))
    placed = _with_place(classed, ("_class",), hash_of(seed, "folds", "_unit"), "_unit")
    return placed.withColumn("_block", F.pmod("_place", F.lit(blocks)))


def _with_time_block(named: DataFrame, event_time: str, blocks: int) -> DataFrame:
    """Days are cut where about equally many rows lie between two cuts; a day is never cut."""
    dated = named.withColumn("_day", F.to_date(F.col(f"`{event_time}`")))
    days = dated.groupBy("_day").agg(F.count(F.lit(1)).alias("_rows"))
    # One partition on purpose: one row a day.
    earlier = Window.partitionBy(F.lit(0)).orderBy(F.col("_day").asc_nulls_first())
    before = F.coalesce(F.sum("_rows").over(earlier.rowsBetween(Window.unboundedPreceding, -1)), F.lit(0))
    total = F.sum("_rows").over(Window.partitionBy(F.lit(0)))
    middle = (before + F.col("_rows") / 2) / total
    cut = days.select(F.col("_day").alias("_cut_day"), F.floor(middle * blocks).alias("_block"))
    return dated.join(F.broadcast(cut), on=F.col("_day").eqNullSafe(F.col("_cut_day")), how="inner")


def _with_place(rows: DataFrame, within: Sequence[str], order: Column, key: str) -> DataFrame:
    """Adds the number of a row's unit within its group, from 0."""
    return rows.withColumn("_place", F.dense_rank().over(Window.partitionBy(*within).orderBy(order, key)) - 1)
