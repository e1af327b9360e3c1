"""The ids of the rows that a model has learnt from, and which other rows it therefore knows."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import ID
from arrears.contracts.tables.lineage import CUSTOMER, KEY, KIND, ROW


def to_lineage(borrowers: DataFrame, group: str | None) -> DataFrame:
    """The ids of rows and of their customers. Grain: one row per ``kind`` and ``key``, each once.

    Args:
        group: column of the customer. None, or a column that the rows lack: each row is its own.
    """
    ids = borrowers.select(F.lit(ROW).alias(KIND), F.col(ID).alias(KEY))
    if group is None or group not in borrowers.columns:
        return ids.distinct()
    customers = borrowers.select(F.lit(CUSTOMER).alias(KIND), F.col(f"`{group}`").cast("string").alias(KEY))
    return ids.unionByName(customers.where(F.col(KEY).isNotNull())).distinct()


def with_learnt(borrowers: DataFrame, lineage: DataFrame, group: str | None, *, name: str) -> DataFrame:
    """Adds ``<name>_row`` and ``<name>_customer``: whether a model has learnt from the row, or from its customer.

    Grain: unchanged. A row without a customer is known by its own id alone.
    """
    by_row = _keys(lineage, ROW, f"{name}_row")
    marked = borrowers.join(by_row, on=F.col(ID) == F.col("_key"), how="left").drop("_key")
    if group is None or group not in borrowers.columns:
        marked = marked.withColumn(f"{name}_customer", F.lit(False))
    else:
        by_customer = _keys(lineage, CUSTOMER, f"{name}_customer")
        customer = F.col(f"`{group}`").cast("string")
        marked = marked.join(by_customer, on=customer == F.col("_key"), how="left").drop("_key")
    return marked.fillna(False, [f"{name}_row", f"{name}_customer"])


def _keys(lineage: DataFrame, kind: str, mark: str) -> DataFrame:
    return lineage.where(F.col(KIND) == kind).select(F.col(KEY).alias("_key"), F.lit(True).alias(mark))
