"""Columns that are not of their declared type, told by count and shape, and by no value of a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

_LONGEST = 20  # letters of a shape: a text of many is told by its beginning
_SQL_TYPES = {"number": "double", "date": "timestamp"}


def to_misfit_shapes(loans: DataFrame, expected: Mapping[str, str]) -> DataFrame:
    """The commonest shape of the values that are not as declared. Grain: one row per column with any value.

    A shape has 9 for every digit and a for every letter: ``99,99``.

    Args:
        expected: column → ``number`` or ``date``.

    Columns: ``column``, ``present``, ``misfits``, and ``shape`` of most of these (null where there are none).
    """
    cells = F.explode(
        F.array(
            *(
                F.struct(
                    F.lit(name).alias("column"),
                    F.col(f"`{name}`").cast("string").alias("value"),
                    F.expr(f"try_cast(CAST(`{name}` AS STRING) AS {_SQL_TYPES[kind]}) IS NULL").alias("is_misfit"),
                )
                for name, kind in expected.items()
            )
        )
    )
    letters = F.regexp_replace(F.regexp_replace(F.substring("cell.value", 1, _LONGEST), r"\p{L}", "a"), r"\p{N}", "9")
    counted = (
        loans.select(cells.alias("cell"))
        .where("cell.value IS NOT NULL")
        .groupBy("cell.column", F.when(F.col("cell.is_misfit"), letters).alias("shape"))
        .count()
    )
    misfit = F.when(F.col("shape").isNotNull(), F.col("count"))
    return counted.groupBy("column").agg(
        F.sum("count").alias("present"),
        F.coalesce(F.sum(misfit), F.lit(0)).alias("misfits"),
        F.max_by("shape", F.struct(misfit, "shape")).alias("shape"),
    )


def misfit_sentences(found: Iterable[Row], declared: Mapping[str, str], expected: Mapping[str, str]) -> dict[str, str]:
    """What to tell of each column.

    Args:
        found: rows of `to_misfit_shapes`.
        declared: column → what it is declared and what it is, such as ``declared numeric but is string``.
        expected: as it was given.
    """
    told = {}
    for row in found:
        name, kind = row["column"], expected[row["column"]]
        what = f"column {name} is {declared[name]}: {row['misfits']:,} of {row['present']:,} values are no {kind}"
        told[name] = f"{what}, most of the shape `{row['shape']}`" if row["misfits"] else f"{what}: deliver it as one"
    return told
