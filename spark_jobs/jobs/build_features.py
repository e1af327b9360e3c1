"""Computes a bank's features as they are known on one date and merges them into the feature store.

Reads the bank's tables. Writes, for each view, the date's partition of its feature table, one row per loan or customer
of which anything is known. Fails, before anything is written, when a table breaks its contract, when its newest period
has no event, or when periods before it are missing.
"""

from __future__ import annotations

import dataclasses

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import BuildFeaturesConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.banks import BankDescription
from arrears.contracts.tables.features import View
from arrears.contracts.tables.table_contracts import TableContract
from arrears.contracts.tables.view_contracts import feature_contract
from arrears.stores.bank_files import read_bank, shipped_bank
from arrears.stores.objects import Objects
from spark_jobs.data.bank_data import source_lookup
from spark_jobs.data.bank_tables import BankTables, read_bank_tables
from spark_jobs.data.contract_check import Verdict, table_verdict
from spark_jobs.io.feature_store import merge_features
from spark_jobs.launch import launch
from spark_jobs.transforms.bank.point_in_time import to_build
from spark_jobs.transforms.bank.stored_features import BUILT_FOR
from spark_jobs.transforms.ids import with_row_digest

# A date whose newest month (or day) has no event would be built of what earlier dates knew already.
_PERIOD_DAYS = {"month": 31, "day": 1}


def run(spark: SparkSession, config: BuildFeaturesConfig) -> JobResult:
    """Builds one date of every view: all are computed and checked before the first is written."""
    objects = Objects()
    bank = read_bank(config.description, objects) if config.description else shipped_bank(config.dataset)
    tables = read_bank_tables(spark, _with_fresh_tables(bank), _viewed(bank), config, objects, ignore_later=True)
    built = {view: _features(bank, view, tables, config.as_of).persist() for view in bank.views}
    verdicts = {view: _verdict(rows, view, bank, config.as_of) for view, rows in built.items()}
    problems = [problem for verdict in verdicts.values() for problem in (*verdict.problems, *verdict.violations)]
    if problems:
        raise BadInput(*map(str, problems))
    versions = {
        view.name: merge_features(
            rows, config.addresses, bank.name, view, as_of=config.as_of, allow_new_columns=config.allow_new_columns
        )
        for view, rows in built.items()
    }
    figures = {
        **{f"rows of {view.name}": verdict.rows for view, verdict in verdicts.items()},
        **{f"version of {name}": version for name, version in versions.items()},
        **{f"version of table {name}": version for name, version in tables.versions.items()},
        **({"notes on the tables": "; ".join(tables.notes[:5])} if tables.notes else {}),
    }
    return JobResult(figures, {f"{name}_version": str(version) for name, version in versions.items()})


def _viewed(bank: BankDescription) -> tuple[str, ...]:
    return tuple(dict.fromkeys(view.table for view in bank.views))


def _with_fresh_tables(bank: BankDescription) -> BankDescription:
    tables = {name: _fresh(contract) for name, contract in bank.tables.items()}
    return dataclasses.replace(bank, tables=tables)


def _fresh(contract: TableContract) -> TableContract:
    if contract.every is None:
        return contract
    return dataclasses.replace(contract, freshness_days=_PERIOD_DAYS[contract.every])


def _features(bank: BankDescription, view: View, tables: BankTables, as_of: str) -> DataFrame:
    return with_row_digest(to_build(source_lookup(view, bank, tables.rows[view.table]), as_of=as_of))


def _verdict(rows: DataFrame, view: View, bank: BankDescription, as_of: str) -> Verdict:
    contract = feature_contract(view, bank.tables[view.table], event_time=BUILT_FOR)
    return table_verdict(
        rows.select(*(column.name for column in contract.columns)), contract, as_of=as_of, allow_new_columns=False
    )


if __name__ == "__main__":
    launch(run, BuildFeaturesConfig)
