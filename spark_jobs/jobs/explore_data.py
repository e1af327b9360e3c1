"""Looks at one partition of a data set, so that people see what a model will learn from.

Reads a partition of ``train``, ``test`` or ``test_sample``. Writes ``exploration.html`` (one page with its plots
inside), ``exploration.json`` (the same numbers) and an overview plot to the report folder. Fails when the partition
does not exist, and then nothing is written.
"""

from __future__ import annotations

import json

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.jobs import ExploreDataConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.column_names import ID
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.features.exploration import Exploration
from arrears.reports.exploration_figures import overview
from arrears.reports.exploration_page import render_exploration_page
from arrears.stores.objects import Objects
from spark_jobs.data.explored_rows import Compared, explore, halves_by_date
from spark_jobs.io import tables
from spark_jobs.launch import launch
from spark_jobs.schemas import SAMPLE_ID

_NAMED = 3  # features that a mail names


def run(spark: SparkSession, config: ExploreDataConfig) -> JobResult:
    """Explores one partition and leaves page, numbers and overview plot."""
    objects, table = Objects(), Table(config.table)
    description = _description(objects, config)
    rows = _rows(spark, config, config.partition)
    exploration = explore(
        rows,
        description,
        table=config.table,
        partition=config.partition,
        key=SAMPLE_ID if table is Table.TEST_SAMPLE else ID,
        seed=config.seed,
        bins=config.bins,
        compared=_compared(spark, config, description, rows),
    )
    numbers = json.dumps(exploration.to_dict(), indent=1, allow_nan=False).encode()
    page, plot = render_exploration_page(exploration).encode(), overview(exploration)
    objects.put(f"{config.report_folder}/exploration.json", numbers)
    objects.put(f"{config.report_folder}/overview.png", plot)
    objects.put(f"{config.report_folder}/exploration.html", page)
    attached = tuple(f"{config.report_folder}/{name}" for name in ("exploration.html", "overview.png"))
    return JobResult(_figures(exploration), attachments=attached)


def _description(objects: Objects, config: ExploreDataConfig) -> DatasetDescription:
    version, table = config.partition, Table(config.table)
    if table is Table.TEST_SAMPLE:
        day = objects.get_json(config.addresses.partition_manifest(table, config.dataset, config.partition))
        version = day["dataset_version"]
    dataset = objects.get_json(config.addresses.dataset_manifest(config.dataset, version))
    return DatasetDescription.from_dict(dataset["description"])


def _rows(spark: SparkSession, config: ExploreDataConfig, partition: str) -> DataFrame:
    table = Table(config.table)
    writer = f"run new_data for {partition}" if table is Table.TEST_SAMPLE else "run generate_data first"
    return tables.read_partition(
        spark, config.addresses.table(table, config.dataset), {table.partition_column: partition}, what=writer
    )


def _compared(
    spark: SparkSession, config: ExploreDataConfig, description: DatasetDescription, rows: DataFrame
) -> Compared | None:
    if config.compared_with is not None:
        names = (f"{config.table} {config.compared_with}", f"{config.table} {config.partition}")
        return Compared(names, earlier=_rows(spark, config, config.compared_with))
    return halves_by_date(rows, description.event_time) if description.event_time else None


def _figures(exploration: Exploration) -> dict[str, float | int | str | None]:
    figures: dict[str, float | int | str | None] = {"rows": exploration.rows, "features": len(exploration.features)}
    if exploration.defaults is not None:
        figures["default rate"] = round(exploration.defaults / exploration.rows, 6) if exploration.rows else None
        strongest = [(f.name, f.power.information_value) for f in exploration.by_information if f.power]
        figures["strongest features (information value)"] = _named(strongest)
    holed = [(f.name, f.counts.missing_share) for f in exploration.by_missing]
    figures["most missing (share)"] = _named(holed) or "no value is missing"
    if exploration.by_drift:
        figures["largest drift (stability index)"] = _named([(f.name, f.drift or 0.0) for f in exploration.by_drift])
    if exploration.compared:
        figures["drift compares"] = " with ".join(exploration.compared)
    return figures


def _named(leading: list[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in leading[:_NAMED])


if __name__ == "__main__":
    launch(run, ExploreDataConfig, imports=("matplotlib.figure",))
