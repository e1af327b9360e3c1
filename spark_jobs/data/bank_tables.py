"""A bank's own tables, read at pinned versions, without the rows that break their table's contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.job_configs.jobs import BuildFeaturesConfig, GenerateDataConfig
from arrears.contracts.tables.banks import BankDescription
from arrears.contracts.tables.knowledge import row_knowledge
from arrears.contracts.tables.view_contracts import with_amount_limits
from arrears.stores.objects import Objects, is_reachable
from spark_jobs.data.contract_check import enforce
from spark_jobs.io.session import fit_shuffles
from spark_jobs.io.source_tables import read_source_table
from spark_jobs.transforms.bank.knowledge_columns import to_rows_of

Versions = Mapping[str, int | None]


@dataclass(frozen=True)
class BankTables:
    """A bank's clean tables, and in which version each was read.

    Attributes:
        versions: table → Delta version. None for files that have no versions.
        notes: what a reader should know: columns that were widened, rows put aside.
    """

    rows: dict[str, DataFrame]
    versions: dict[str, int | None]
    notes: tuple[str, ...] = ()


def read_bank_tables(
    spark: SparkSession,
    bank: BankDescription,
    names: tuple[str, ...],
    config: GenerateDataConfig | BuildFeaturesConfig,
    objects: Objects,
    versions: Versions | None = None,
    *,
    ignore_later: bool = False,
) -> BankTables:
    """Reads the named tables and puts rows aside that break their contract.

    Args:
        versions: pins of an earlier run. None: the newest.
        ignore_later: leave out events after the date, as a backfill must, where otherwise they are broken rows.

    Raises:
        BadInput: a table is not what its contract promises. Nothing has been written.
    """
    pins = versions or {}
    read = {
        name: read_source_table(spark, config.addresses, bank.name, bank.tables[name], version=pins.get(name))
        for name in names
    }
    fit_shuffles(spark, sum(objects.stored_bytes(table.uri) for table in read.values() if is_reachable(table.uri)))
    contracted = {
        name: (
            to_rows_of(table.rows, row_knowledge(bank.tables[name]), config.as_of, ignore_later=ignore_later),
            with_amount_limits(bank.tables[name], bank.views),
        )
        for name, table in read.items()
    }
    clean, violations = enforce(
        contracted,
        as_of=config.as_of,
        most_broken_share=config.most_broken_share,
        allow_new_columns=config.allow_new_columns,
        objects=objects,
        addresses=config.addresses,
        dataset=config.dataset,
        partition=config.as_of,
    )
    return BankTables(
        clean,
        {name: table.version for name, table in read.items()},
        (
            *(note for table in read.values() for note in table.notes),
            *(f"put aside: {violation}" for violation in violations),
        ),
    )
