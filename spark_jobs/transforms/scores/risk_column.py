"""Names each borrower's risk from the default probability."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from arrears.model.fitting.risk import CATEGORIES


def risk_category(score: str, limits: Sequence[float]) -> Column:
    """LOW below the first limit, HIGH from the second on, MEDIUM between: `fitting.risk` as a Spark column."""
    low, medium, high = (F.lit(name) for name in CATEGORIES)
    return F.when(F.col(score) >= F.lit(limits[1]), high).when(F.col(score) >= F.lit(limits[0]), medium).otherwise(low)
