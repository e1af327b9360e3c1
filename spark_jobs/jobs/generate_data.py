"""Reads a source, checks it against its description, and splits it into train and test.

Reads real Lending Club loans, a bank's tables, its CSV, Parquet or Delta, or makes synthetic loans. Writes one dataset
version of ``train`` and ``test``, their manifests, and last of all the record that puts this version in force from the
business date. Fails, before anything is written, when the source is not what its description declares. One error names
every problem.
"""

from __future__ import annotations

import dataclasses
import logging
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import GenerateDataConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.column_names import LABEL
from arrears.stores.objects import Objects
from spark_jobs.data.dataset import CheckedBorrowers, Unlabelled, checked_borrowers, dataset_version, split_borrowers
from spark_jobs.io import tables
from spark_jobs.io.at_once import at_once
from spark_jobs.launch import launch
from spark_jobs.transforms.borrowers.splits import EMBARGO, PART
from spark_jobs.transforms.ids import ROW_DIGEST, digest_of, digest_sums

log = logging.getLogger(__name__)

Counted = dict[str, dict[str, Any]]


def run(spark: SparkSession, config: GenerateDataConfig) -> JobResult:
    """Generates one dataset version and puts it in force."""
    objects = Objects()
    checked = checked_borrowers(spark, config, objects)
    version = dataset_version(checked, config)
    log.info("%s rows passed every check: dataset version %s", checked.content.rows, version)
    borrowers, test_from = split_borrowers(checked, config)
    counted = _counted(borrowers)
    _refuse_lost_rows(counted, checked)
    _refuse_one_class(counted)
    at_once(
        spark,
        *(
            partial(_overwrite, borrowers, counted[table.value], table, version, config, objects)
            for table in (Table.TRAIN, Table.TEST)
        ),
        *([partial(_keep_unlabelled, checked.unlabelled, version, config, objects)] if checked.unlabelled else []),
    )
    manifest = _manifest(config, checked, version, counted, test_from)
    objects.put_json(config.addresses.dataset_manifest(config.dataset, version), manifest)
    _activate(config, version, objects)
    return JobResult(_figures(checked, counted, version, test_from), {"dataset_version": version})


def _counted(borrowers: DataFrame) -> Counted:
    sums = (F.count("*").alias("rows"), F.sum(LABEL).alias("defaults"), *digest_sums())
    found = {row[PART]: row for row in borrowers.groupBy(PART).agg(*sums).collect()}
    return {
        part: {"rows": row["rows"], "defaults": row["defaults"], "digest": digest_of(row, row["rows"])}
        for part, row in found.items()
    }


def _overwrite(
    borrowers: DataFrame,
    counted: dict[str, Any],
    table: Table,
    version: str,
    config: GenerateDataConfig,
    objects: Objects,
) -> None:
    """Writes one side of the split and its manifest."""
    rows = borrowers.where(F.col(PART) == table.value).drop(PART, ROW_DIGEST)
    written = tables.overwrite_partition(rows, config.addresses, table, config.dataset, version)
    if written.rows != counted["rows"]:
        raise RuntimeError(f"{table.value}: {counted['rows']} rows were to be written, {written.rows} are there")
    address = config.addresses.partition_manifest(table, config.dataset, version)
    objects.put_json(address, written.to_manifest(digest=counted["digest"], defaults=counted["defaults"]))


def _keep_unlabelled(left_out: Unlabelled, version: str, config: GenerateDataConfig, objects: Objects) -> None:
    """Writes the rows without a label beside both sides of the split. No row, no partition."""
    counts, table = left_out.counts, Table.UNLABELLED
    if not counts["rows"]:
        return
    rows = left_out.rows.drop(LABEL, ROW_DIGEST)
    written = tables.overwrite_partition(rows, config.addresses, table, config.dataset, version)
    if written.rows != counts["rows"]:
        raise RuntimeError(f"{table.value}: {counts['rows']} rows were to be written, {written.rows} are there")
    address = config.addresses.partition_manifest(table, config.dataset, version)
    objects.put_json(address, written.to_manifest(**{k: v for k, v in counts.items() if k != "rows"}))


def _refuse_lost_rows(counted: Counted, checked: CheckedBorrowers) -> None:
    for name, whole in (("rows", checked.content.rows), ("defaults", checked.content.defaults)):
        parts = [part[name] for part in counted.values()]
        if sum(parts) != whole:
            raise RuntimeError(f"the split holds {' + '.join(map(str, parts))} {name}, the source {whole}")


def _refuse_one_class(counted: Counted) -> None:
    problems = []
    for table in (Table.TRAIN.value, Table.TEST.value):
        part = counted.get(table, {"rows": 0, "defaults": 0})
        classes = {"defaults": part["defaults"], "non-defaults": part["rows"] - part["defaults"]}
        problems += [f"{table} would hold no {name}: choose another split" for name, n in classes.items() if not n]
    if problems:
        raise BadInput(*problems)


def _manifest(
    config: GenerateDataConfig, checked: CheckedBorrowers, version: str, counted: Counted, test_from: str | None
) -> dict[str, Any]:
    return {
        "dataset": config.dataset,
        "dataset_version": version,
        "source": config.source,
        "as_of": config.as_of,
        "seed": config.seed,
        "test_share": config.test_share,
        "test_from": test_from,
        "label_known": dataclasses.asdict(checked.label_known),
        "configuration": {k: v for k, v in dataclasses.asdict(config).items() if k not in ("root", "outcome")},
        "bank": checked.pins.bank,
        "table_versions": checked.pins.versions,
        "description": checked.description.to_dict(),
        "columns": {name: kind for name, kind in checked.borrowers.dtypes if name != ROW_DIGEST},
        "notes": list(checked.notes),
        "rows": {name: part["rows"] for name, part in counted.items()},
        "defaults": {name: part["defaults"] for name, part in counted.items()},
        "digests": {name: part["digest"] for name, part in counted.items()},
        "digest": checked.content.digest,
        **({"unlabelled": checked.unlabelled.counts} if checked.unlabelled else {}),
    }


def _activate(config: GenerateDataConfig, version: str, objects: Objects) -> None:
    """Puts the version in force from the business date. Until this last write nobody reads it."""
    record = {
        "dataset_version": version,
        "as_of": config.as_of,
        "activated_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    objects.put_json(f"{config.addresses.activations(config.dataset)}/{config.as_of}.json", record)


def _figures(
    checked: CheckedBorrowers, counted: Counted, version: str, test_from: str | None
) -> dict[str, float | int | str | None]:
    content, features = checked.content, len(checked.description.features)
    sides = {name: counted[name] for name in (Table.TRAIN.value, Table.TEST.value)}
    embargo = {"rows under embargo": counted[EMBARGO]["rows"]} if EMBARGO in counted else {}
    unlabelled = {"rows without a label, left out": checked.unlabelled.counts["rows"]} if checked.unlabelled else {}
    versions = {f"version of {name}": v for name, v in checked.pins.versions.items()}
    return {
        "dataset version": version,
        "rows": content.rows,
        **{f"rows of {name}": part["rows"] for name, part in sides.items()},
        **embargo,
        **unlabelled,
        **({"held out from": test_from} if test_from else {}),
        "default rate": round(content.defaults / content.rows, 6),
        **{f"default rate of {name}": round(part["defaults"] / part["rows"], 6) for name, part in sides.items()},
        "features": features,
        "missing share": round(content.missing_values / (content.rows * features), 6),
        **versions,
        **({"notes on the source": "; ".join(checked.notes[:5])} if checked.notes else {}),
    }


if __name__ == "__main__":
    launch(run, GenerateDataConfig)
