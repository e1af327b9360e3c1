"""Which borrowers are held out: by chance, by customer, or by time. Grain: one row per borrower, each in one part."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import ID, LABEL
from arrears.contracts.tables.knowledge import LabelKnowledge
from spark_jobs.transforms.bank.knowledge_columns import decision_moment, label_moment, start_of
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.ranks import to_rows_at_ranks

PART, TRAIN, TEST, EMBARGO = "_part", "train", "test", "embargo"
IS_DRAWN = "_is_drawn"


def held_out_count(rows: int, share: float) -> int:
    """How many of so many rows a share is, halves rounded up. The same arithmetic as in Spark."""
    return int(rows * share + 0.5)


def with_is_drawn(rows: DataFrame, *, share: float, seed: int, purpose: str, key: str, stratum: Column) -> DataFrame:
    """Adds ``_is_drawn``: true for exactly ``round(share * n)`` rows of each stratum, those with the lowest hashes.

    A threshold on the hash alone would be off by the square root of n, and ``percent_rank`` sorts each stratum, all
    columns with it, in a single task. Instead the last drawn row is found by its rank, and its hash (with its key,
    should two hashes be equal) is the exact threshold. The wide rows are never shuffled.
    """
    ordered = rows.withColumns({"_stratum": stratum, "_order": hash_of(seed, purpose, key)})
    last = to_rows_at_ranks(
        ordered.select("_stratum", "_order", key), lambda rows: F.array(F.floor(rows * share + 0.5)), key
    ).drop("_rank")
    position, last_position = F.struct("_order", key), F.struct("_last_order", "_last_key")
    is_drawn = F.col("_last_key").isNotNull() & (position <= last_position)
    joined = ordered.join(F.broadcast(last), on="_stratum", how="left")
    return joined.withColumn(IS_DRAWN, is_drawn).drop("_stratum", "_order", "_last_order", "_last_key")


def with_random_part(borrowers: DataFrame, *, test_share: float, seed: int) -> DataFrame:
    """Adds ``_part``, train or test: exactly the share of each class is held out."""
    drawn = with_is_drawn(borrowers, share=test_share, seed=seed, purpose="test", key=ID, stratum=F.col(LABEL))
    return drawn.withColumn(PART, F.when(F.col(IS_DRAWN), TEST).otherwise(TRAIN)).drop(IS_DRAWN)


def with_grouped_part(borrowers: DataFrame, *, group: str, test_share: float, seed: int) -> DataFrame:
    """Adds ``_part``, train or test: all rows of a customer are on one side, customers by chance.

    The share is that of customers, and kept within chance: which rows a customer has is not ours to choose.
    """
    # A row without customer stands for itself.
    keyed = borrowers.withColumn("_group", F.coalesce(F.col(f"`{group}`").cast("string"), F.col(ID)))
    uniform = F.shiftrightunsigned(hash_of(seed, "test customers", "_group"), 11) * F.lit(2.0**-53)
    return keyed.withColumn(PART, F.when(uniform < test_share, TEST).otherwise(TRAIN)).drop("_group")


def with_time_part(
    borrowers: DataFrame, *, event_time: str, test_from: str, known: LabelKnowledge, group: str | None = None
) -> DataFrame:
    """Adds ``_part``: test for decisions from a day on, train for those whose label was known by then, else embargo.

    Otherwise a model would learn from outcomes that nobody knew when the first held-out decision was made. Earlier
    decisions of customers who are held out are under embargo too: a model would know these customers already.
    """
    first = start_of(test_from)
    is_late = decision_moment(borrowers, event_time) >= first
    is_known = label_moment(borrowers, event_time, known) <= first
    split_rows = borrowers.withColumn(PART, F.when(is_late, TEST).when(is_known, TRAIN).otherwise(EMBARGO))
    if group is None:
        return split_rows
    held_out = split_rows.where(F.col(PART) == TEST).select(F.col(f"`{group}`").alias("_customer")).distinct()
    is_held_out = F.col("_customer").isNotNull() & (F.col(PART) == TRAIN)
    joined = split_rows.join(held_out, on=F.col(f"`{group}`") == F.col("_customer"), how="left")
    return joined.withColumn(PART, F.when(is_held_out, EMBARGO).otherwise(F.col(PART))).drop("_customer")


def to_day_counts(borrowers: DataFrame, event_time: str) -> DataFrame:
    """Decisions a day, from which the first held-out day is found. Grain: one row per day."""
    return borrowers.groupBy(F.to_date(F.col(f"`{event_time}`")).alias("day")).agg(F.count(F.lit(1)).alias("rows"))
