"""What gives a leak away, reduced to counts: dates after the decision, and keys on both sides of a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from arrears.contracts.tables.column_names import ID, LABEL
from arrears.model.features.leaks import CONTENT, FEWEST_VALUES, ROWS
from spark_jobs.transforms.bank.knowledge_columns import dated_moment, decision_moment
from spark_jobs.transforms.ids import content_hash


def to_later_dates(
    borrowers: DataFrame, *, event_time: str, dates: Sequence[str], known_after: Mapping[str, int] | None = None
) -> DataFrame:
    """In how many rows each date lies after the decision: one row, a column a date, and ``_row_count``.

    Args:
        known_after: of these dates, days until what they date was known, which is what must not be later.
    """
    days_after = known_after or {}
    kinds = {field.name: field.dataType for field in borrowers.schema}

    def is_later(name: str) -> Column:
        if name in days_after:
            return dated_moment(borrowers, name, days=days_after[name]) > decision_moment(borrowers, event_time)
        date, decided = F.col(f"`{name}`"), F.col(f"`{event_time}`")
        if isinstance(kinds[name], T.DateType) or isinstance(kinds[event_time], T.DateType):
            # A day against a time of day: within the day of the decision nothing is known to be later.
            return F.to_date(date) > F.to_date(decided)
        return date > decided

    counts = (F.count_if(is_later(name)).alias(name) for name in dates)
    return borrowers.agg(*counts, F.count(F.lit(1)).alias("_row_count"))


def to_overlaps(train: DataFrame, held_out: DataFrame, *, features: Sequence[str], group: str | None) -> DataFrame:
    """Keys that stand on both sides: `arrears.model.features.leaks.Overlap`, one row per kind of key that has any.

    A row's keys are its borrower, its customer and the content of its features, 128 bits each. One shuffle compares
    them all. Contents with fewer than 3 filled features are left out. Kind ``rows`` is a key that every row has.
    """
    sides = [
        rows.select(F.lit(side).alias("_held_out"), F.col(LABEL).cast("int").alias("_default"), _keys(features, group))
        for side, rows in enumerate((train, held_out))
    ]
    rows = reduce(DataFrame.unionByName, sides).select("_held_out", "_default", F.inline("_keys"))
    cells = rows.groupBy("kind", "high", "low").agg(
        F.count_if(F.col("_held_out") == 0).alias("train_rows"),
        F.count_if(F.col("_held_out") == 1).alias("held_out_rows"),
        F.count_if((F.col("_held_out") == 0) & (F.col("_default") == 1)).alias("train_defaults"),
        F.count_if((F.col("_held_out") == 1) & (F.col("_default") == 1)).alias("held_out_defaults"),
    )
    rate, goods = F.col("train_defaults") / F.col("train_rows"), F.col("held_out_rows") - F.col("held_out_defaults")
    conflicts = goods * rate + F.col("held_out_defaults") * (1 - rate)
    return (
        cells.where("train_rows > 0 AND held_out_rows > 0")
        .groupBy("kind")
        .agg(
            F.count(F.lit(1)).alias("keys"),
            *(F.sum(name).alias(name) for name in ("train_rows", "held_out_rows", "held_out_defaults")),
            F.sum(conflicts).alias("conflicts"),
        )
    )


def _keys(features: Sequence[str], group: str | None) -> Column:
    names = [f"`{name}`" for name in features]
    zero = F.lit(0)
    # Counted in an array: a sum of hundreds of terms is nested too deep for the JVM's stack.
    filled = F.size(F.array_compact(F.array(*(F.when(F.col(name).isNotNull(), 1) for name in names))))
    content = _key(CONTENT, content_hash(names, "leak-1"), content_hash(names, "leak-2")) if names else None
    keys = [_key(ROWS, zero, zero), _key(ID, *_hashes(ID))]
    if group is not None:
        keys.append(F.when(F.col(f"`{group}`").isNotNull(), _key(group, *_hashes(f"`{group}`"))))
    if content is not None:
        keys.append(F.when(filled >= FEWEST_VALUES, content))
    return F.filter(F.array(*keys), lambda key: key.isNotNull()).alias("_keys")


def _key(kind: str, high: Column, low: Column) -> Column:
    return F.struct(F.lit(kind).alias("kind"), high.cast("bigint").alias("high"), low.cast("bigint").alias("low"))


def _hashes(column: str) -> tuple[Column, Column]:
    value = F.col(column).cast("string")
    return F.xxhash64(F.lit("leak-1"), value), F.xxhash64(F.lit("leak-2"), value)
