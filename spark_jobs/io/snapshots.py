"""Pins exactly the rows that a run may see, and opens them in the tasks without passing through the JVM.

See docs/adr/0006.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import bucket_and_key
from arrears.contracts.errors import UpstreamNotReady
from arrears.contracts.s3_server import S3Server
from arrears.stores.objects import Objects
from spark_jobs.engines.row_groups import FileSlice, Snapshot
from spark_jobs.io.commits import table_version
from spark_jobs.io.session import hadoop_pattern, hadoop_uri
from spark_jobs.io.tables import active_files, live_files
from spark_jobs.transforms.training.training_rows import IN_SAMPLE


def pin_partition(
    spark: SparkSession, uri: str, partition: Mapping[str, str], *, what: str, version: int | None = None
) -> Snapshot:
    """The rows of one partition of a Delta table at one version.

    Raises:
        UpstreamNotReady: there is no such table or no row in the partition. ``what`` tells which run writes it.
    """
    pinned = table_version(uri) if version is None else version
    files = [] if pinned is None else active_files(spark, uri, partition, pinned)
    if not files or pinned is None:
        named = ", ".join(f"{column}={value}" for column, value in partition.items())
        raise UpstreamNotReady(f"{uri} holds no row of {named}: {what}")
    return _snapshot(((0, address, True) for address, _, _ in files), digest=_name(uri, partition, pinned))


def materialise(rows: DataFrame, uri: str, *, digest: str, sort_key: str) -> Snapshot:
    """Writes prepared rows to a fresh folder, one subfolder a shard, and pins them.

    Args:
        rows: has a whole number ``shard`` and ``sort_key``. Where it tells ``row_in_sample``, these lie apart.
    """
    parted_by = [name for name in ("shard", IN_SAMPLE) if name in rows.columns]
    rows.write.format("delta").partitionBy(*parted_by).mode("overwrite").save(hadoop_uri(uri))
    version = table_version(uri)
    if version is None:
        raise RuntimeError(f"{uri} has no version after a commit")
    files = []
    for file in live_files(uri, version):
        partition = file["partitionValues"]
        files.append((int(partition["shard"]), f"{uri}/{file['path']}", partition.get(IN_SAMPLE, "true") == "true"))
    return _snapshot(sorted(files), digest=digest, sort_key=sort_key)


def read_training(spark: SparkSession, uri: str) -> DataFrame:
    """The rows of a materialised snapshot outside the slices kept back: all that anything may be learnt from."""
    return spark.read.format("delta").load(hadoop_uri(uri)).where(F.col("shard") >= 0)


def read_pinned(spark: SparkSession, snapshot: Snapshot) -> DataFrame:
    """The rows of a snapshot as Spark reads them, without the partition's own columns. Its files are whole."""
    return spark.read.parquet(*sorted({hadoop_pattern(_unescaped(piece.uri)) for piece in snapshot.slices}))


def discard(uri: str) -> None:
    """Removes a materialised snapshot. The run's pins are enough to make it again."""
    objects = Objects()
    for file in objects.list(uri):
        objects.delete(file.uri)


def read_slices(slices: Sequence[FileSlice], columns: Sequence[str]) -> pa.Table:
    """The named columns of some row groups as one Arrow table, in the order of the slices.

    The server is `S3Server`'s, by the environment of the worker. Credentials come from there, or from its role.
    """
    by_file: dict[str, list[int]] = {}
    for piece in slices:
        by_file.setdefault(piece.uri, []).append(piece.row_group)
    return pa.concat_tables(
        (
            opened_parquet(uri).read_row_groups(groups, columns=list(columns)).select(list(columns))
            for uri, groups in by_file.items()
        ),
        promote_options="permissive",  # a file whose column holds only nulls still is text or number
    )


def read_batches(piece: FileSlice, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
    """The named columns of one row group, at most so many rows at a time, in their order: no more is held decoded."""
    names = list(columns)
    for batch in opened_parquet(piece.uri).iter_batches(batch_size=rows, row_groups=[piece.row_group], columns=names):
        yield pa.Table.from_batches([batch]).select(names)


def schema_of(snapshot: Snapshot) -> pa.Schema:
    """The columns of a snapshot as they stand in its first file."""
    return opened_parquet(snapshot.slices[0].uri).schema_arrow


def _snapshot(files: Iterable[tuple[int, str, bool]], *, digest: str, sort_key: str = "") -> Snapshot:
    with ThreadPoolExecutor(max_workers=16) as pool:
        slices = tuple(piece for pieces in pool.map(_row_groups, files) for piece in pieces)
    return Snapshot(slices, sum(piece.rows for piece in slices), digest, sort_key)


def _row_groups(file: tuple[int, str, bool]) -> list[FileSlice]:
    shard, uri, in_sample = file
    footer = opened_parquet(uri).metadata
    return [
        FileSlice(uri, number, footer.row_group(number).num_rows, shard, in_sample)
        for number in range(footer.num_row_groups)
    ]


def opened_parquet(uri: str) -> pq.ParquetFile:
    """A Parquet file, of which the footer is read and no row yet."""
    # Without pre-buffering every column chunk is one request of its own: hundreds for a wide table.
    return pq.ParquetFile(_path(uri), filesystem=_filesystem(uri), pre_buffer=True)


def _unescaped(uri: str) -> str:
    """An address of Delta's log, which escapes those of S3 too."""
    return unquote(uri) if uri.startswith("s3") else uri


def _path(uri: str) -> str:
    if uri.startswith("file:"):
        return unquote(urlparse(uri).path)
    bucket, key = bucket_and_key(uri)
    return f"{bucket}/{unquote(key)}"


def _filesystem(uri: str) -> Any:
    from pyarrow import fs

    if uri.startswith("file:"):
        return fs.LocalFileSystem()
    return fs.S3FileSystem(**S3Server.from_env(os.environ).for_pyarrow())


def _name(uri: str, partition: Mapping[str, str], version: int) -> str:
    text = "\n".join([uri, str(version), *(f"{column}={value}" for column, value in sorted(partition.items()))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
