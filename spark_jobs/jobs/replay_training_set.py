"""Builds a dataset version again from the table versions it was made of, and proves that it is the same.

Reads the version's manifest, and the source as it stood then. Writes nothing but the quarantine of that business date
again, where rows of a bank break a rule. Fails, naming what differs, when the source cannot be had as it was, or gives
another content.
"""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import GenerateDataConfig, ReplayTrainingSetConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.objects import Objects
from spark_jobs.data.dataset import Pins, checked_borrowers, dataset_version, split_borrowers
from spark_jobs.launch import launch
from spark_jobs.transforms.borrowers.splits import PART
from spark_jobs.transforms.ids import digest_of, digest_sums


def run(spark: SparkSession, config: ReplayTrainingSetConfig) -> JobResult:
    """Rebuilds train and test in memory and compares their digests with those of the manifest."""
    objects = Objects()
    manifest = objects.get_json(config.addresses.dataset_manifest(config.dataset, config.dataset_version))
    began = GenerateDataConfig(**{**manifest["configuration"], "root": config.root, "outcome": None})
    checked = checked_borrowers(spark, began, objects, Pins.of(manifest))
    version = dataset_version(checked, began)
    borrowers, _ = split_borrowers(checked, began)
    sums = borrowers.groupBy(PART).agg(F.count("*").alias("rows"), *digest_sums()).collect()
    digests = {row[PART]: digest_of(row, row["rows"]) for row in sums}
    problems = [] if version == config.dataset_version else [f"the version of the rebuilt data is {version}"]
    for part in sorted({*digests, *manifest["digests"]}):
        if digests.get(part) != manifest["digests"].get(part):
            rows = {row[PART]: row["rows"] for row in sums}.get(part, 0)
            problems.append(f"{part} differs: {rows:,} rows now, {manifest['rows'].get(part, 0):,} then")
    left_out = checked.unlabelled.counts if checked.unlabelled else None
    if left_out != manifest.get("unlabelled"):
        problems.append("the rows without a label are not those of then")
    if problems:
        raise BadInput(f"{config.dataset} {config.dataset_version} cannot be built again as it was", *problems)
    return JobResult(
        {
            "dataset version": version,
            "replayed": "identical",
            **{f"rows of {row[PART]}": row["rows"] for row in sums},
            **{f"version of {name}": v for name, v in checked.pins.versions.items()},
        }
    )


if __name__ == "__main__":
    launch(run, ReplayTrainingSetConfig)
