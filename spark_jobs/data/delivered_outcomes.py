"""A day's outcomes as a bank delivers them: one row a borrower, its label and the day since which it is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import KeepOutcomesConfig
from arrears.contracts.tables.column_names import ID, LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.outcome_rules import LEAVE_OUT
from arrears.stores.objects import Objects
from spark_jobs.data.daily_delivery import OpenedDelivery, open_delivery, size_problems
from spark_jobs.schemas import KNOWN_ON, stored_name
from spark_jobs.transforms.borrowers.borrowers import MOMENT, UNKNOWN_LEVEL, to_borrowers
from spark_jobs.transforms.ids import digest_of, digest_sums, with_row_digest


@dataclass(frozen=True)
class Outcomes:
    """One day's outcomes as they will stand in the table, and what was counted.

    Attributes:
        rows: kept on the executors. Whoever has written them lets them go.
        first_known, last_known: the span of the days since which they are known.
    """

    rows: DataFrame
    count: int
    defaults: int
    digest: str
    first_known: str
    last_known: str
    delivery: OpenedDelivery


def delivered_outcomes(
    spark: SparkSession, config: KeepOutcomesConfig, manifest: Mapping[str, Any], objects: Objects
) -> Outcomes:
    """Reads one business date's outcomes and proves that each is one: of somebody, known, and by then.

    Args:
        manifest: of the dataset version whose description says which values of the target mean default.

    Raises:
        UpstreamNotReady: the delivery is not there yet, or still being written.
        BadInput: names everything that is wrong with it.
    """
    described = DatasetDescription.from_dict(manifest["description"])
    known_on = stored_name(config.known_on)
    id_column = described.id or ID
    meaning = _of_outcomes(described, known_on, id_column)
    delivery = open_delivery(spark, config, manifest, meaning, objects)
    types = {field.name: field.dataType for field in delivery.rows.schema}
    needed = {id_column: "id", described.target: "outcome", known_on: "since when the outcome is known"}
    problems = [
        *delivery.problems,
        *(f"column {c} ({role}) is missing" for c, role in needed.items() if c not in types),
    ]
    if known_on in types and not isinstance(types[known_on], MOMENT):
        problems.append(f"column {known_on} is {types[known_on].simpleString()}: it should be a date")
    if problems:
        raise BadInput(*problems)
    borrowers = to_borrowers(delivery.rows.select(*needed), meaning)
    outcomes = borrowers.select(ID, LABEL, F.to_date(known_on).alias(KNOWN_ON))
    outcomes, unlabelled = _without_status(outcomes, described)
    rows = with_row_digest(outcomes).persist()
    counts = _counts(rows, config.as_of)
    problems = _count_problems(counts, described, config, delivery.address, id_column, known_on)
    if problems:
        rows.unpersist()
        raise BadInput(*problems)
    more = [name for name in types if name not in needed]
    left_out = (f"columns that are no part of an outcome are left out: {', '.join(more)}",) if more else ()
    return Outcomes(
        rows,
        counts["rows"],
        counts["defaults"],
        digest_of(counts, counts["rows"]),
        str(counts["first_known"]),
        str(counts["last_known"]),
        delivery.with_notes([*unlabelled, *left_out]),
    )


def _without_status(outcomes: DataFrame, described: DatasetDescription) -> tuple[DataFrame, list[str]]:
    """The rows that have a label, where the data set leaves others out, and how many those are."""
    if described.unlabelled != LEAVE_OUT:
        return outcomes, []
    is_labelled = F.coalesce(F.col(LABEL).isin(0, 1), F.lit(False))
    others = outcomes.where(~is_labelled).count()
    note = f"{others:,} rows whose {described.target} is no outcome yet are left out"
    return outcomes.where(is_labelled), [note] if others else []


def _of_outcomes(described: DatasetDescription, known_on: str, id_column: str) -> DatasetDescription:
    """The description of a table that holds nothing but outcomes: their values mean what they meant in training."""
    nothing: dict[str, Any] = dict.fromkeys(("numeric", "categorical", "text", "kept", "protected", "products"), ())
    return dataclasses.replace(
        described,
        **nothing,
        id=id_column,
        dates=(known_on,),
        known_after={},
        excluded=(),
        group=None,
        event_time=None,
        loss=None,
        catalogue=(),
    )


def _counts(rows: DataFrame, as_of: str) -> Row:
    return rows.agg(
        F.count("*").alias("rows"),
        F.count_if(F.col(ID).isNull()).alias("missing_ids"),
        F.count_distinct(ID).alias("borrowers"),
        F.count_if(F.col(LABEL).isNull()).alias("missing"),
        F.count_if(F.col(LABEL) == UNKNOWN_LEVEL).alias("unknown"),
        F.count_if(F.col(LABEL) == 1).alias("defaults"),
        F.count_if(F.col(KNOWN_ON).isNull()).alias("undated"),
        F.count_if(F.col(KNOWN_ON) > F.lit(as_of).cast("date")).alias("early"),
        F.min(KNOWN_ON).alias("first_known"),
        F.max(KNOWN_ON).alias("last_known"),
        *digest_sums(),
    ).collect()[0]


def _count_problems(
    counts: Row, described: DatasetDescription, config: KeepOutcomesConfig, address: str, id_column: str, known_on: str
) -> list[str]:
    problems = size_problems(counts["rows"], config, address, of="outcomes")
    doubled = counts["rows"] - counts["missing_ids"] - counts["borrowers"]
    told = [
        (counts["missing_ids"], "the id {id} is missing"),
        (doubled, "the id {id} is that of another: doubled"),
        (counts["missing"], "the outcome {target} is missing"),
        (counts["unknown"], "the outcome {target} is neither default nor its opposite"),
        (counts["undated"], "{known_on} is missing"),
        (counts["early"], "{known_on} is after the business date {as_of}"),
    ]
    names = {"id": id_column, "target": described.target, "known_on": known_on, "as_of": config.as_of}
    return problems + [f"in {count:,} rows {text.format_map(names)}" for count, text in told if count]
