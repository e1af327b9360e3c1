"""Takes in a day's outcomes: who of the borrowers has defaulted, who has repaid, and since when that is known.

Reads the delivery of the business date, and the dataset version in force for what its target means. Writes the day's
partition of ``outcomes`` and its manifest. Fails when the delivery is late, empty, doubled or a part, or when an
outcome is missing, unknown, or known only after the business date. Then nothing is written, and what an earlier
delivery of the day has left stays.
"""

from __future__ import annotations

import logging

from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.jobs import KeepOutcomesConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.objects import Objects
from spark_jobs.data.delivered_outcomes import delivered_outcomes
from spark_jobs.io import tables
from spark_jobs.launch import launch
from spark_jobs.transforms.ids import ROW_DIGEST

log = logging.getLogger(__name__)


def run(spark: SparkSession, config: KeepOutcomesConfig) -> JobResult:
    """Writes one business date's outcomes."""
    objects, addresses = Objects(), config.addresses
    dataset = objects.get_json(addresses.dataset_manifest(config.dataset, config.dataset_version))
    outcomes = delivered_outcomes(spark, config, dataset, objects)
    for note in outcomes.delivery.notes:
        log.info("%s", note)
    try:
        outcomes.delivery.require_unchanged(objects)
        rows = outcomes.rows.drop(ROW_DIGEST)
        written = tables.overwrite_partition(rows, addresses, Table.OUTCOMES, config.dataset, config.as_of)
    finally:
        outcomes.rows.unpersist()
    if written.rows != outcomes.count:
        raise RuntimeError(f"{outcomes.count} rows were to be written, {written.rows} are there")
    how = {"dataset_version": config.dataset_version, "digest": outcomes.digest, "defaults": outcomes.defaults}
    address = addresses.partition_manifest(Table.OUTCOMES, config.dataset, config.as_of)
    objects.put_json(address, written.to_manifest(**how, **outcomes.delivery.as_manifest()))
    figures: dict[str, float | int | str | None] = {
        "rows": written.rows,
        "defaults": outcomes.defaults,
        "default rate": round(outcomes.defaults / written.rows, 6),
        "known from": outcomes.first_known,
        "known until": outcomes.last_known,
        **outcomes.delivery.as_figures(),
    }
    return JobResult(figures, {"rows": str(written.rows)})


if __name__ == "__main__":
    launch(run, KeepOutcomesConfig)
