"""Rejected applicants as training rows, and what accepted borrowers count for them. Grain: one row per row and outcome.

Rows are weighted in ``_row_weight``. Slices that are kept back (a negative ``shard``) hold accepted borrowers alone and
are never changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import ID, LABEL, SCORE, TARGET_VALUE
from spark_jobs.transforms.bank.knowledge_columns import decision_moment, start_of
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.training.training_rows import ROW_ORDER

ROW_WEIGHT = "_row_weight"
BAND = "_band"
_STEPS_53_BITS = 2.0**-53


def keep_rejected(unlabelled: DataFrame, target_values: Sequence[str]) -> DataFrame:
    """The rejected applicants among the rows without a label: those with such a target value, or with none at all."""
    if target_values:
        return unlabelled.where(F.col(TARGET_VALUE).isin(list(target_values)))
    return unlabelled.where(F.col(TARGET_VALUE).isNull())


def keep_on_the_training_side(
    rejected: DataFrame, held_out: DataFrame, *, group: str | None, event_time: str | None, test_from: str | None
) -> DataFrame:
    """Rejected applicants who may be learnt from: no customer who is held out, and none of the time that is.

    Args:
        group: column of the customer. None: each row is its own.
        test_from: first day that is held out. None: the split is not by time.
    """
    earlier = rejected
    if event_time and test_from:
        earlier = rejected.where(decision_moment(rejected, event_time) < start_of(test_from))
    if group is None:
        return earlier
    customers = held_out.select(F.col(f"`{group}`").alias("_customer")).distinct()
    return earlier.join(customers, on=F.col(f"`{group}`") == F.col("_customer"), how="left_anti")


def to_rejected_rows(rejected: DataFrame, features: Sequence[str], *, shards: int, seed: int) -> DataFrame:
    """Rejected applicants with their place in the training order and their shard, without an outcome."""
    order = hash_of(seed, "order", ID)
    return rejected.select(
        *(F.col(f"`{name}`") for name in features),
        order.alias(ROW_ORDER),
        F.pmod(order, F.lit(shards)).cast("int").alias("shard"),
    )


def with_band(scored: DataFrame, limits: Sequence[float]) -> DataFrame:
    """Adds the number of the band that the score lies in."""
    below = [F.when(F.col(SCORE) > F.lit(limit), 1).otherwise(0) for limit in limits]
    return scored.withColumn(BAND, sum(below, F.lit(0)))


def to_fuzzy_rows(scored_rejects: DataFrame, *, factor: float, seed: int) -> DataFrame:
    """Each rejected applicant twice: bad with its default probability as weight, good with the rest.

    Args:
        scored_rejects: of `to_rejected_rows`, with ``default_probability``.
        factor: how many times as likely to default as an accepted borrower with the same score.
    """
    is_bad = F.least(F.lit(1.0), F.col(SCORE) * F.lit(factor))
    outcomes = F.explode(
        F.array(
            F.struct(F.lit(1).alias(LABEL), is_bad.alias(ROW_WEIGHT)),
            F.struct(F.lit(0).alias(LABEL), (F.lit(1.0) - is_bad).alias(ROW_WEIGHT)),
        )
    )
    doubled = scored_rejects.withColumn("_outcome", outcomes).drop(SCORE).select("*", "_outcome.*").drop("_outcome")
    # The second row gets an order of its own, so that both do not follow one another.
    order = F.when(F.col(LABEL) == 1, F.col(ROW_ORDER)).otherwise(hash_of(seed, "fuzzy", ROW_ORDER))
    return doubled.where(F.col(ROW_WEIGHT) > 0).withColumn(ROW_ORDER, order)


def to_parcelled_rows(banded_rejects: DataFrame, rates: Sequence[float], *, seed: int) -> DataFrame:
    """Each rejected applicant once, bad or good by chance: of a band about as many are bad as its rate says.

    Args:
        banded_rejects: of `to_rejected_rows`, with their band.
    """
    uniform = F.shiftrightunsigned(hash_of(seed, "parcelling", ROW_ORDER), 11) * F.lit(_STEPS_53_BITS)
    outcome = (uniform < _of_band(rates)).cast("int")
    return banded_rejects.withColumn(LABEL, outcome).withColumn(ROW_WEIGHT, F.lit(1.0)).drop(BAND, SCORE)


def with_augmented_weights(rows: DataFrame, bands: DataFrame, weights: Sequence[float]) -> DataFrame:
    """Adds ``_row_weight``: what each accepted borrower counts for, by its band. 1 in the slices that are kept back.

    Args:
        bands: ``row_order`` and band of the accepted borrowers.
    """
    weight = F.when(F.col("shard") >= 0, _of_band(weights)).otherwise(F.lit(1.0))
    joined = rows.join(bands.select(ROW_ORDER, BAND), on=ROW_ORDER, how="left")
    return joined.withColumn(ROW_WEIGHT, F.coalesce(weight, F.lit(1.0))).drop(BAND)


def with_rejects(rows: DataFrame, inferred: DataFrame) -> DataFrame:
    """Accepted borrowers, each of weight 1, and rejected applicants with their inferred outcomes."""
    weighted = rows.withColumn(ROW_WEIGHT, F.lit(1.0))
    present = set(inferred.columns)
    added = {name: F.lit(False) for name in rows.columns if name not in present}  # a mark of copies, if any
    return weighted.unionByName(inferred.withColumns(added) if added else inferred)


def as_counted(rows: DataFrame, *, seed: int) -> DataFrame:
    """Each row as often as its weight says, the rest of a weight by chance: for whatever counts rows.

    A table of weights of evidence, a median or a level's share is learnt from whole rows. On average they are those of
    the weighted rows.
    """
    uniform = F.shiftrightunsigned(hash_of(seed, "counted", ROW_ORDER, LABEL), 11) * F.lit(_STEPS_53_BITS)
    whole = F.floor(ROW_WEIGHT)
    times = (whole + (uniform < F.col(ROW_WEIGHT) - whole).cast("int")).cast("int")
    repeated = rows.withColumn("_times", times).where("_times > 0")
    return repeated.withColumn("_copy", F.explode(F.sequence(F.lit(1), F.col("_times")))).drop("_times", "_copy")


def to_band_counts(banded: DataFrame) -> DataFrame:
    """Accepted borrowers, their defaults, and rejected applicants of each band. Grain: one row per band.

    Args:
        banded: accepted and rejected rows with their band, the label of the accepted, null for the rejected.
    """
    return banded.groupBy(BAND).agg(
        F.count_if(F.col(LABEL).isNotNull()).alias("accepted"),
        F.count_if(F.col(LABEL) == 1).alias("defaults"),
        F.count_if(F.col(LABEL).isNull()).alias("rejected"),
    )


def _of_band(values: Sequence[float]) -> Column:
    return F.element_at(F.array(*(F.lit(float(value)) for value in values)), F.col(BAND) + 1)
