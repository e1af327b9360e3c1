"""Identity and chance: ids from a row's content, and every random choice, as functions of hashes alone.

Grain is never changed here. Nothing depends on how rows are spread over partitions, or on their order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import ID

ROW_DIGEST = "_row_digest"


def hash_of(seed: int, purpose: str, *keys: str) -> Column:
    """One random number a row, 64 bits: the same for the same seed, purpose and keys, wherever the row lies."""
    return F.xxhash64(F.lit(seed).cast("long"), F.lit(purpose), *(F.col(key) for key in keys))


def content_hash(columns: Sequence[str], salt: str) -> Column:
    """64 bits of a row's content.

    Which columns are missing is hashed too: ``xxhash64`` skips nulls, so (null, 1) would equal (1, null).
    """
    missing = F.array(*(F.col(column).isNull() for column in columns))
    return F.xxhash64(F.lit(salt), missing, *(F.col(column) for column in columns))


def with_borrower_id(loans: DataFrame, id_column: str | None, content: Sequence[str] = ()) -> DataFrame:
    """Adds ``borrower_id``: the source's own id as text, or one derived from the row's content.

    A derived id is 128 bits of the content and the row's number among identical rows. Such rows are
    interchangeable, so numbering them in any order gives the same table under any partitioning. It does not
    depend on the seed: the same borrower keeps the id from one data set version to the next.

    Args:
        content: columns that make up the content, all of them where it is empty. Their order does not matter.
    """
    if id_column is not None:
        return loans.withColumn(ID, F.col(id_column).cast("string"))
    columns = sorted(content or loans.columns)
    identical = Window.partitionBy("_high", "_low").orderBy("_high")
    hashed = loans.withColumns({"_high": content_hash(columns, "id-1"), "_low": content_hash(columns, "id-2")})
    derived = F.concat(_hex("_high"), _hex("_low"), F.lit("-"), F.row_number().over(identical).cast("string"))
    return hashed.withColumn(ID, derived).drop("_high", "_low")


def with_row_digest(rows: DataFrame) -> DataFrame:
    """Adds a hash of each row's content, whose sums over a table are the table's digest."""
    return rows.withColumn(ROW_DIGEST, content_hash(rows.columns, "digest"))


def digest_sums() -> list[Column]:
    """Aggregates behind `digest_of`: sums, so that the order of rows does not matter.

    The second sum is of the hashes' hashes: two rows whose changes cancel out in the first do not in the second.
    """
    hashes = (F.col(ROW_DIGEST), F.xxhash64(ROW_DIGEST))
    return [F.sum(h.cast("decimal(20,0)")).alias(f"digest_sum_{n}") for n, h in enumerate(hashes, 1)]


def digest_of(sums: Row, rows: int) -> str:
    """The digest of a table, from its number of rows and the sums of their hashes."""
    parts = (rows, sums["digest_sum_1"], sums["digest_sum_2"])
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()


def _hex(column: str) -> Column:
    return F.lpad(F.lower(F.hex(F.col(column))), 16, "0")
