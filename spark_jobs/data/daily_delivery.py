"""A day's delivery of a bank, opened as the data set's own source was, with the rows of the business date alone.

See docs/adr/0059.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.daily_deliveries import address_of_day, is_delivered_daily
from arrears.contracts.errors import UpstreamNotReady
from arrears.contracts.job_configs.jobs import GenerateDataConfig, KeepOutcomesConfig, SampleNewDataConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.delivered_files import fingerprint, require_complete
from arrears.stores.objects import Objects
from spark_jobs.io.sources import read_source
from spark_jobs.schemas import stored_name
from spark_jobs.transforms.borrowers.delivered_rows import is_of_day

DeliveryConfig = SampleNewDataConfig | KeepOutcomesConfig


@dataclass(frozen=True)
class OpenedDelivery:
    """The rows of one business date, not looked at yet.

    Attributes:
        problems: what is wrong with their dates, for the one error that names everything.
        address: where they lie.
        version: of a Delta table. None for files.
        fingerprint: of the files' names, sizes and tags before they are read. Empty where only Spark can list them.
        notes: what a reader should know of how they were read.
    """

    rows: DataFrame
    problems: tuple[str, ...]
    address: str
    version: int | None
    fingerprint: str
    notes: tuple[str, ...]

    def require_unchanged(self, objects: Objects) -> None:
        """Refuses a delivery that has grown while it was read."""
        if self.version is None and fingerprint(self.address, objects) != self.fingerprint:
            raise UpstreamNotReady(f"the files at {self.address} changed while they were read: run again")

    def with_notes(self, more: Sequence[str]) -> OpenedDelivery:
        """The same with more that a reader should know."""
        return dataclasses.replace(self, notes=(*self.notes, *more))

    def as_manifest(self) -> dict[str, Any]:
        """Where the rows came from, for the manifest of their partition."""
        return {"source": self.address, "source_version": self.version, "notes": list(self.notes)}

    def as_figures(self) -> dict[str, float | int | str | None]:
        """Where the rows came from, and what a reader of the mail should know."""
        return {
            "delivered at": self.address,
            **({} if self.version is None else {"version of the source": self.version}),
            **({"notes on the delivery": "; ".join(self.notes)} if self.notes else {}),
        }


def open_delivery(
    spark: SparkSession,
    config: DeliveryConfig,
    manifest: Mapping[str, Any],
    description: DatasetDescription,
    objects: Objects,
) -> OpenedDelivery:
    """Opens one business date's delivery, with the choices about its text that the data set was generated with.

    Args:
        manifest: of the dataset version that is in force.
        description: what the delivery's columns mean.

    Raises:
        UpstreamNotReady: it is not there yet, or still being written.
    """
    address = address_of_day(config.source, config.as_of)
    require_complete(address, config.marker, objects)
    seen = fingerprint(address, objects)
    began = GenerateDataConfig(**{**manifest["configuration"], "root": config.root, "outcome": None})
    here = dataclasses.replace(began, source=address, as_of=config.as_of)
    source = read_source(spark, here, objects, known=description)
    rows, problems = _of_day(source.loans, config, address)
    return OpenedDelivery(rows, tuple(problems), address, source.version, seen, source.notes)


def size_problems(count: int, config: DeliveryConfig, address: str, *, of: str) -> list[str]:
    """What is wrong with how many rows a delivery has. ``of`` says what they are, such as applicants."""
    if count == 0:
        return [f"the delivery of {config.as_of} at {address} is empty: it holds no {of}"]
    if count < config.fewest:
        return [
            f"the delivery of {config.as_of} at {address} holds {count:,} {of}, fewer than {config.fewest:,}: it is"
            " taken for a part of one"
        ]
    return []


def _of_day(rows: DataFrame, config: DeliveryConfig, address: str) -> tuple[DataFrame, list[str]]:
    """The rows of the business date, and what is wrong where a day's own place holds rows of another day."""
    if not config.date_column:
        return rows, []
    column = stored_name(config.date_column)
    if column not in rows.columns:
        return rows, [f"column {column} (the business date) is missing"]
    on_day = is_of_day(column, rows.schema[column].dataType, config.as_of)
    if not is_delivered_daily(config.source):
        return rows.where(on_day), []
    others = rows.where(F.coalesce(~on_day, F.lit(True))).count()
    return rows, [f"{others:,} rows of {address} are not of {config.as_of}, by {column}"] if others else []
