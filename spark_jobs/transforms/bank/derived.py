"""Features of columns of the same row: ratios, buckets, parts of dates, products. Grain: unchanged."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.features import DerivedFeature


def with_derived(rows: DataFrame, features: Sequence[DerivedFeature]) -> DataFrame:
    """Adds each feature, in order: a later one may use an earlier one."""
    for feature in features:
        rows = rows.withColumn(feature.name, derived_value(feature))
    return rows


def derived_value(feature: DerivedFeature) -> Column:
    """The value of one feature. Missing where an input is missing.

    * ratio: missing where the denominator is 0.
    * bucket: a value on a limit belongs to the bucket above it.
    * calendar: weekday is 1 for Monday to 7 for Sunday, as ISO 8601 counts.
    * days_between, months_between: from the second date to the first, whole days and whole months begun and ended.
    """
    first, *rest = (F.col(name) for name in feature.columns)
    match feature.kind:
        case "ratio":
            return F.when(rest[0] != 0, first.cast("double") / rest[0].cast("double"))
        case "difference":
            return first.cast("double") - rest[0].cast("double")
        case "product":
            return first.cast("double") * rest[0].cast("double")
        case "bucket":
            return _bucket(first, feature)
        case "calendar":
            return _calendar(first, feature.part)
        case "days_between":
            return F.datediff(first, rest[0])
        case "months_between":
            return F.floor(F.months_between(first, rest[0])).cast("int")


def _bucket(value: Column, feature: DerivedFeature) -> Column:
    bucket = F.when(value.isNull(), F.lit(None).cast("string"))
    for limit, label in zip(feature.limits, feature.labels, strict=False):
        bucket = bucket.when(value < limit, label)
    return bucket.otherwise(feature.labels[-1])


def _calendar(date: Column, part: str) -> Column:
    if part == "weekday":
        return F.weekday(date) + F.lit(1)
    return {"year": F.year, "quarter": F.quarter, "month": F.month}[part](date)
