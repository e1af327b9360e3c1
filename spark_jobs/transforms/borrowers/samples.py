"""The day's new borrowers: a sample of the held-out stream. Grain: one row per drawn borrower, ``sample_id`` unique."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import ID
from spark_jobs.schemas import SAMPLE_ID
from spark_jobs.transforms.borrowers.splits import IS_DRAWN, with_is_drawn
from spark_jobs.transforms.ids import hash_of

_STEPS_53_BITS = 2.0**-53


def to_new_borrowers(
    held_out: DataFrame,
    *,
    columns: Sequence[str],
    as_of: str,
    fraction: float,
    with_replacement: bool,
    seed: int,
) -> DataFrame:
    """Draws one business date's new borrowers and leaves label and kept columns behind.

    Without replacement: exactly ``round(fraction * n)`` borrowers. With replacement: each borrower is drawn a
    Poisson number of times with mean ``fraction`` (the limit of drawing n * fraction times from n), so the size
    varies by about its square root. An exact size would need every row numbered in one global order.

    Args:
        columns: what a model may see, and dates. Nothing else of ``held_out`` survives.
    """
    purpose = f"new-data-{as_of}"
    if with_replacement:
        drawn = held_out.withColumn("_draws", draw_count(hash_of(seed, purpose, ID), fraction)).where("_draws > 0")
        drawn = drawn.withColumn("_occurrence", F.explode(F.expr("sequence(1, _draws)")))
    else:
        drawn = with_is_drawn(held_out, share=fraction, seed=seed, purpose=purpose, key=ID, stratum=F.lit(0)).where(
            IS_DRAWN
        )
        drawn = drawn.withColumn("_occurrence", F.lit(1))
    sample_id = F.concat_ws("-", F.col(ID), F.lit(as_of), F.col("_occurrence").cast("string"))
    return drawn.select(sample_id.alias(SAMPLE_ID), ID, *columns)


def draw_count(hashed: Column, mean: float) -> Column:
    """A Poisson number with this mean from 64 random bits, by walking up its distribution function."""
    uniform = F.shiftrightunsigned(hashed, 11) * F.lit(_STEPS_53_BITS)
    limits = poisson_limits(mean)
    return F.size(F.filter(F.array(*(F.lit(limit) for limit in limits)), lambda limit: limit <= uniform))


def poisson_limits(mean: float) -> list[float]:
    """P(draws ≤ 0), P(draws ≤ 1), … until the rest is smaller than a step of the random number.

    >>> [round(limit, 3) for limit in poisson_limits(0.1)[:3]]
    [0.905, 0.995, 1.0]
    """
    limits, term, total, count = [], math.exp(-mean), 0.0, 0
    while term > _STEPS_53_BITS:
        total += term
        limits.append(total)
        count += 1
        term *= mean / count
    return limits
