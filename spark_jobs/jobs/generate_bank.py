"""Makes the three tables of a synthetic bank, as the bank would know them on the business date.

Writes ``loans``, ``customers`` and ``credit_history`` below ``sources/<bank>``, each whole in one Delta commit, and
tells the best AUC that any model can reach on them. Fails, before anything is written, when no decision falls by then.
"""

from __future__ import annotations

import logging

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import GenerateBankConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.column_names import LABEL
from arrears.model import synthetic_risk as process
from spark_jobs.io.source_tables import overwrite_source_table
from spark_jobs.io.tables import WrittenPartition
from spark_jobs.launch import launch
from spark_jobs.transforms.synthetic import synthetic_bank

log = logging.getLogger(__name__)

_LOANS_A_TASK = 40_000  # with 24 months a file of about a million rows, 30 MB


def run(spark: SparkSession, config: GenerateBankConfig) -> JobResult:
    """Writes the three tables. Returns their rows and versions, and what is known of the defaults."""
    if config.as_of < config.first_month:
        raise BadConfiguration(f"nothing is decided by {config.as_of}: the first decisions are of {config.first_month}")
    ids = _ids(spark, config.loans)
    counted = _counted(ids, config)
    customers = _ids(spark, synthetic_bank.customer_count(config.loans))
    history = synthetic_bank.to_credit_history(ids, config)
    made = {
        "loans": (synthetic_bank.to_loans(ids, config), counted["decided"]),
        "customers": (synthetic_bank.to_customers(customers, config), synthetic_bank.customer_count(config.loans)),
        "credit_history": (history, history.count()),
    }
    written = {name: _overwrite(rows, count, name, config) for name, (rows, count) in made.items()}
    versions = {f"{name}_version": str(table.delta_version) for name, table in written.items()}
    return JobResult(_figures(written, counted, config), versions)


def _ids(spark: SparkSession, count: int) -> DataFrame:
    tasks = max(spark.sparkContext.defaultParallelism, count // _LOANS_A_TASK)
    return spark.range(1, count + 1, numPartitions=tasks)


def _counted(ids: DataFrame, config: GenerateBankConfig) -> Row:
    """Decisions known on the business date, those of them with a label, and their defaults."""
    outcomes = synthetic_bank.to_outcomes(ids, config)
    is_mature = F.col("decided_on") <= F.lit(process.newest_mature(config.as_of))
    return outcomes.agg(
        F.count_if(F.expr(f"decided_on <= DATE '{config.as_of}'")).alias("decided"),
        F.count_if(is_mature).alias("mature"),
        F.count_if(is_mature & F.col(LABEL)).alias("defaults"),
    ).collect()[0]


def _overwrite(rows: DataFrame, count: int, table: str, config: GenerateBankConfig) -> WrittenPartition:
    written = overwrite_source_table(rows, config.addresses, config.dataset, table)
    if written.rows != count:
        raise RuntimeError(f"{table}: {count} rows were to be written, {written.rows} are there")
    log.info("%s: %s rows in version %s", table, written.rows, written.delta_version)
    return written


def _figures(
    written: dict[str, WrittenPartition], counted: Row, config: GenerateBankConfig
) -> dict[str, float | int | str | None]:
    mature = process.mature_populations(config)
    rate = counted["defaults"] / counted["mature"] if counted["mature"] else None
    best = process.best_auc(mature, process.default_limit(config)) if mature else None
    return {
        **{f"rows of {name}": table.rows for name, table in written.items()},
        "decisions with a label": counted["mature"],
        "default rate": rate if rate is None else round(rate, 6),
        "best reachable AUC": best if best is None else round(best, 4),
        "drift from": config.drift_from or "never",
    }


if __name__ == "__main__":
    launch(run, GenerateBankConfig)
