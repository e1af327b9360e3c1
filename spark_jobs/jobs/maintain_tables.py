"""Compacts the Delta tables of a data set and removes what no run needs any more.

Rewrites the feature tables into fewer files. Deletes, of every table, files that no version within the retention needs.
Removes training snapshots that killed runs left behind. The content of every table stays the same. The other tables are
not rewritten: each of their partitions is written once, and its manifest names its files.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from arrears.contracts.job_configs.jobs import MaintainTablesConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.objects import Objects
from spark_jobs.io.compaction import compact, delta_tables, remove_unneeded_files, sweep_snapshots
from spark_jobs.launch import launch

log = logging.getLogger(__name__)


def run(spark: SparkSession, config: MaintainTablesConfig) -> JobResult:
    """Cares for every table of the data set, one after the other."""
    objects, addresses = Objects(), config.addresses
    tables = delta_tables(addresses, config.dataset, objects)
    before = {uri: len(objects.list(uri)) for uri in tables.values()}
    compacted = 0
    for number, (name, uri) in enumerate(tables.items(), start=1):
        log.info("table %s of %s: %s", number, len(tables), uri)
        if name.startswith("features-"):
            compacted += compact(spark, uri)
        remove_unneeded_files(spark, uri, retain_hours=config.retain_hours)
    swept = sweep_snapshots(
        addresses, config.dataset, objects, before=datetime.now(UTC) - timedelta(days=config.snapshot_days)
    )
    removed = sum(count - len(objects.list(uri)) for uri, count in before.items())
    return JobResult(
        {
            "tables": len(tables),
            "files compacted": compacted,
            "objects fewer than before": removed,
            "snapshots swept": len(swept),
            "versions kept for": f"{config.retain_hours} hours",
        }
    )


if __name__ == "__main__":
    launch(run, MaintainTablesConfig)
