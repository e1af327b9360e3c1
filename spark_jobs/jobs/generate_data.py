"""Reads a source, checks it against its description, and splits it into train and test.

Reads real Lending Club loans, a bank's CSV or Parquet, or makes synthetic loans. Writes one dataset version of
``train`` and ``test``, their manifests, and last of all the record that puts this version in force from the business
date. Fails, before anything is written, when the source is not what its description declares; one error names every
problem.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.catalogue import Table
from arrears.contracts.descriptions import LABEL, DatasetDescription
from arrears.contracts.errors import BadInput
from arrears.contracts.facts import JobResult
from arrears.contracts.jobs import GenerateDataConfig
from arrears.stores.objects import Objects
from spark_jobs.io import sources, tables
from spark_jobs.launch import launch
from spark_jobs.transforms import checks
from spark_jobs.transforms.borrowers import to_borrowers, to_target_levels
from spark_jobs.transforms.ids import ROW_DIGEST, digest_of, digest_sums
from spark_jobs.transforms.splits import to_train_and_test

log = logging.getLogger(__name__)

# Part of every dataset version: raise it when the same source would be prepared or split differently.
PREPARATION = 1


@dataclass(frozen=True)
class CheckedBorrowers:
    """Borrowers that passed every check, what their columns mean, and what was counted on the way."""

    borrowers: DataFrame
    description: DatasetDescription
    content: checks.Content
    notes: tuple[str, ...]


def run(spark: SparkSession, config: GenerateDataConfig) -> JobResult:
    """Generates one dataset version and puts it in force."""
    objects = Objects()
    checked = _checked(spark, config, objects)
    version = dataset_version(checked.content.digest, checked.description, config)
    log.info("%s rows passed every check: dataset version %s", checked.content.rows, version)
    train, test = to_train_and_test(checked.borrowers, test_share=config.test_share, seed=config.seed)
    counted = {table: _overwrite(rows, table, version, config, objects) for table, rows in _by_table(train, test)}
    _refuse_lost_rows(counted, checked.content)
    manifest = _manifest(config, checked, version, counted)
    objects.put_json(config.catalogue.dataset_manifest(config.dataset, version), manifest)
    _activate(config, version, objects)
    return JobResult(_figures(checked, counted, version), {"dataset_version": version})


def dataset_version(digest: str, description: DatasetDescription, config: GenerateDataConfig) -> str:
    """The name of exactly this data, prepared and split in exactly this way."""
    parts = [PREPARATION, digest, description.to_dict(), config.seed, config.test_share]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _checked(spark: SparkSession, config: GenerateDataConfig, objects: Objects) -> CheckedBorrowers:
    source = sources.read_source(spark, config, objects)
    description = source.description
    for note in source.notes:
        log.info("%s", note)
    problems = checks.schema_problems(source.loans.schema, description)
    if description.target in source.loans.columns and description.comparison()[0] == "=":
        levels = to_target_levels(source.loans, description, at_most=checks.MOST_LEVELS + 1).collect()
        description, more = checks.settled(description, [row["level"] for row in levels])
        problems += more
    # Kept on the executors (memory, then disk): counting, splitting and both writes read the rows again.
    borrowers = to_borrowers(source.loans, description).persist()
    content = checks.Content.of(_only(checks.to_content(borrowers, description)))
    problems += checks.content_problems(content, description, test_share=config.test_share)
    if problems:
        raise BadInput(*problems)
    return CheckedBorrowers(borrowers, description, content, source.notes)


def _by_table(train: DataFrame, test: DataFrame) -> tuple[tuple[Table, DataFrame], ...]:
    return (Table.TRAIN, train), (Table.TEST, test)


def _overwrite(
    borrowers: DataFrame, table: Table, version: str, config: GenerateDataConfig, objects: Objects
) -> dict[str, Any]:
    """Writes one half of the split and its manifest; returns what it counted."""
    counted = _only(borrowers.agg(F.count("*").alias("rows"), F.sum(LABEL).alias("defaults"), *digest_sums()))
    written = tables.overwrite_partition(borrowers.drop(ROW_DIGEST), config.catalogue, table, config.dataset, version)
    if written.rows != counted["rows"]:
        raise RuntimeError(f"{table.value}: {counted['rows']} rows were to be written, {written.rows} are there")
    digest = digest_of(counted, counted["rows"])
    address = config.catalogue.partition_manifest(table, config.dataset, version)
    objects.put_json(address, written.to_manifest(digest=digest, defaults=counted["defaults"]))
    return {"rows": counted["rows"], "defaults": counted["defaults"], "digest": digest}


def _refuse_lost_rows(counted: dict[Table, dict[str, Any]], content: checks.Content) -> None:
    for name, whole in (("rows", content.rows), ("defaults", content.defaults)):
        parts = [part[name] for part in counted.values()]
        if sum(parts) != whole:
            raise RuntimeError(f"the split holds {' + '.join(map(str, parts))} {name}, the source {whole}")


def _manifest(
    config: GenerateDataConfig, checked: CheckedBorrowers, version: str, counted: dict[Table, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "dataset": config.dataset,
        "dataset_version": version,
        "source": config.source,
        "as_of": config.as_of,
        "seed": config.seed,
        "test_share": config.test_share,
        "description": checked.description.to_dict(),
        "columns": {name: kind for name, kind in checked.borrowers.dtypes if name != ROW_DIGEST},
        "notes": list(checked.notes),
        "rows": {table.value: part["rows"] for table, part in counted.items()},
        "defaults": {table.value: part["defaults"] for table, part in counted.items()},
        "digest": checked.content.digest,
    }


def _activate(config: GenerateDataConfig, version: str, objects: Objects) -> None:
    """Puts the version in force from the business date; until this last write nobody reads it."""
    record = {
        "dataset_version": version,
        "as_of": config.as_of,
        "activated_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    objects.put_json(f"{config.catalogue.activations(config.dataset)}/{config.as_of}.json", record)


def _figures(
    checked: CheckedBorrowers, counted: dict[Table, dict[str, Any]], version: str
) -> dict[str, float | int | str | None]:
    content, features = checked.content, len(checked.description.features)
    shares = {
        f"default rate of {table.value}": round(part["defaults"] / part["rows"], 6) for table, part in counted.items()
    }
    return {
        "dataset version": version,
        "rows": content.rows,
        **{f"rows of {table.value}": part["rows"] for table, part in counted.items()},
        "default rate": round(content.defaults / content.rows, 6),
        **shares,
        "features": features,
        "missing share": round(content.missing_values / (content.rows * features), 6),
        **({"notes on the source": "; ".join(checked.notes[:5])} if checked.notes else {}),
    }


def _only(counted: DataFrame) -> Row:
    return counted.collect()[0]


if __name__ == "__main__":
    launch(run, GenerateDataConfig)
