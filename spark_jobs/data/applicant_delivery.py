"""A bank's own applicants of one day: read as training data are, held to the columns of the data set, and counted.

See docs/adr/0059.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import SampleNewDataConfig
from arrears.contracts.tables.column_names import ID, LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.objects import Objects
from spark_jobs.data.daily_delivery import OpenedDelivery, open_delivery, size_problems
from spark_jobs.schemas import SAMPLE_ID, stored_name
from spark_jobs.transforms.borrowers.borrowers import MOMENT, NUMBER, to_borrowers
from spark_jobs.transforms.borrowers.delivered_rows import misfits, with_stored_types
from spark_jobs.transforms.ids import ROW_DIGEST, digest_of, digest_sums, with_row_digest

_FIRST_OF_ITS_KIND = "-1"  # how a derived id ends: see `with_borrower_id`


@dataclass(frozen=True)
class Applicants:
    """One day's applicants as they will stand in `test_sample`, and what was counted.

    Attributes:
        rows: kept on the executors. Whoever has written them lets them go: Spark would take them for a later delivery
            of the same name.
    """

    rows: DataFrame
    count: int
    borrowers: int
    digest: str
    delivery: OpenedDelivery


def delivered_applicants(
    spark: SparkSession, config: SampleNewDataConfig, manifest: Mapping[str, Any], objects: Objects
) -> Applicants:
    """Reads one business date's applicants and proves that they are whole and fit the data set.

    Args:
        manifest: of the dataset version whose columns the applicants must have.

    Raises:
        UpstreamNotReady: the delivery is not there yet, or still being written.
        BadInput: it is empty, doubled, a part, of another day, or has other columns. Names every problem.
    """
    description = DatasetDescription.from_dict(manifest["description"])
    delivery = open_delivery(spark, config, manifest, description, objects)
    wanted = {name: manifest["columns"][name] for name in (*description.features, *description.dates)}
    problems = [*delivery.problems, *_column_problems(delivery.rows.schema, description, wanted)]
    if problems:
        raise BadInput(*problems)
    present = ([description.id] if description.id else []) + list(wanted)
    borrowers = to_borrowers(_typed(delivery.rows, wanted).select(*present), description).drop(LABEL, ROW_DIGEST)
    sample = with_row_digest(_as_sample(with_stored_types(borrowers, wanted), wanted, config.as_of)).persist()
    counts = _counts(sample, borrowers, wanted)
    problems = _count_problems(counts, description, wanted, config, delivery.address)
    if problems:
        sample.unpersist()
        raise BadInput(*problems)
    told = _left_out(delivery.rows.columns, description, present, config) + _empty_columns(counts, wanted)
    digest = digest_of(counts, counts["rows"])
    return Applicants(sample, counts["rows"], counts["borrowers"], digest, delivery.with_notes(told))


def _typed(rows: DataFrame, wanted: Mapping[str, str]) -> DataFrame:
    """The rows with a type for each column that has none, as Parquet writes one without any value."""
    return rows.withColumns(
        {
            field.name: F.lit(None).cast(wanted[field.name])
            for field in rows.schema
            if field.name in wanted and isinstance(field.dataType, T.NullType)
        }
    )


def _column_problems(schema: T.StructType, description: DatasetDescription, wanted: Mapping[str, str]) -> list[str]:
    types = {field.name: field.dataType for field in schema}
    needed = {**({description.id: "id"} if description.id else {}), **wanted}
    problems = [f"column {name} is missing" for name in needed if name not in types]
    for name, kind in wanted.items():
        if name not in types or isinstance(types[name], T.NullType):  # such a column has no value at all
            continue
        fitting: tuple[type[T.DataType], ...] = (*NUMBER, T.StringType)
        if kind in ("date", "timestamp"):
            fitting = MOMENT
        elif kind != "string":
            fitting = NUMBER
        if not isinstance(types[name], fitting):
            problems.append(f"column {name} is {types[name].simpleString()}, the data set has {kind}")
    return problems


def _as_sample(borrowers: DataFrame, wanted: Mapping[str, str], as_of: str) -> DataFrame:
    sample_id = F.concat_ws("-", F.col(ID), F.lit(as_of), F.lit("1"))
    return borrowers.select(sample_id.alias(SAMPLE_ID), ID, *wanted)


def _counts(typed: DataFrame, borrowers: DataFrame, wanted: Mapping[str, str]) -> Row:
    """What is counted of the rows as they will be stored, then the values that their types could not hold."""
    empty: list[Column] = [F.count(name).alias(f"n_{place}") for place, name in enumerate(wanted)]
    stored = typed.agg(
        F.count("*").alias("rows"),
        F.count_if(F.col(ID).isNull()).alias("missing_ids"),
        F.count_distinct(ID).alias("borrowers"),
        F.count_if(F.col(ID).endswith(_FIRST_OF_ITS_KIND)).alias("different"),
        *empty,
        *digest_sums(),
    ).collect()[0]
    changed = misfits(borrowers, wanted)
    lost = borrowers.agg(*changed.values()).collect()[0] if changed else Row()
    return Row(**stored.asDict(), lost={name: lost[name] for name in changed if lost[name]})


def _count_problems(
    counts: Row,
    description: DatasetDescription,
    wanted: Mapping[str, str],
    config: SampleNewDataConfig,
    address: str,
) -> list[str]:
    rows = counts["rows"]
    problems = size_problems(rows, config, address, of="applicants")
    if rows == 0:
        return problems
    problems += [
        f"column {name}: {count:,} values do not fit {wanted[name]}, the type that the data set has"
        for name, count in counts["lost"].items()
    ]
    if description.id:
        doubled = rows - counts["missing_ids"] - counts["borrowers"]
        if counts["missing_ids"]:
            problems.append(f"id {description.id} is missing in {counts['missing_ids']:,} rows")
        if doubled:
            problems.append(f"doubled: {doubled:,} rows repeat the id {description.id} of another")
    elif rows > 1 and 2 * counts["different"] <= rows:
        problems.append(f"doubled: {rows:,} rows, of which {counts['different']:,} differ from each other")
    if wanted and not any(counts[f"n_{place}"] for place in range(len(wanted))):
        problems.append("no feature has a value in any row")
    return problems


def _left_out(
    columns: list[str], description: DatasetDescription, present: list[str], config: SampleNewDataConfig
) -> list[str]:
    """What the delivery holds beyond what a score needs, told rather than dropped in silence."""
    notes = []
    if description.target in columns and description.target not in present:
        notes.append(f"the outcome {description.target} is left out: new borrowers have none yet")
    dated = stored_name(config.date_column) if config.date_column else ""
    more = [name for name in columns if name not in (*present, description.target, dated)]
    if more:
        notes.append(f"columns that no model sees are left out: {', '.join(more)}")
    return notes


def _empty_columns(counts: Row, wanted: Mapping[str, str]) -> list[str]:
    empty = [name for place, name in enumerate(wanted) if not counts[f"n_{place}"]]
    return [f"columns without a value in any row: {', '.join(empty)}"] if empty else []
