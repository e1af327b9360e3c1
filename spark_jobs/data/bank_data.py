"""A bank's tables turned into decisions with features and labels: read at pinned versions, checked, joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.banks import BankDescription, TableContract
from arrears.contracts.descriptions import LABEL, DatasetDescription
from arrears.contracts.errors import BadInput
from arrears.contracts.features import ProfileView, View
from arrears.contracts.jobs import BuildFeaturesConfig, GenerateDataConfig
from arrears.contracts.view_contracts import with_amount_limits
from arrears.stores.objects import Objects, is_reachable
from spark_jobs.data.contract_check import enforce
from spark_jobs.io.feature_store import EVENT_TIME, read_features
from spark_jobs.io.session import fit_shuffles
from spark_jobs.io.source_tables import read_source_table
from spark_jobs.transforms.derived import with_derived
from spark_jobs.transforms.joins import to_repeated_join_keys, with_joined
from spark_jobs.transforms.labels import to_labelled
from spark_jobs.transforms.point_in_time import Lookup, training_set

Versions = Mapping[str, int | None]


@dataclass(frozen=True)
class BankTables:
    """A bank's clean tables, and in which version each was read.

    Attributes:
        versions: table → Delta version; None for files that keep none.
        notes: what a reader should know: columns that were widened, rows put aside.
    """

    rows: dict[str, DataFrame]
    versions: dict[str, int | None]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingDecisions:
    """Decisions with features and labels, what their columns mean, and the table versions behind them."""

    rows: DataFrame
    description: DatasetDescription
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
        versions: pins of an earlier run; None: the newest.
        ignore_later: leave out events after the date, as a backfill must, where otherwise they are broken rows.

    Raises:
        BadInput: a table is not what its contract promises; nothing has been written.
    """
    pins = versions or {}
    read = {
        name: read_source_table(spark, config.catalogue, bank.name, bank.tables[name], version=pins.get(name))
        for name in names
    }
    fit_shuffles(spark, sum(objects.stored_bytes(table.uri) for table in read.values() if is_reachable(table.uri)))
    known = {
        name: (
            _known_by(table.rows, bank.tables[name], config.as_of, ignore_later=ignore_later),
            with_amount_limits(bank.tables[name], bank.views),
        )
        for name, table in read.items()
    }
    clean, violations = enforce(
        known,
        as_of=config.as_of,
        most_broken_share=config.most_broken_share,
        allow_new_columns=config.allow_new_columns,
        objects=objects,
        catalogue=config.catalogue,
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


def training_decisions(
    spark: SparkSession,
    bank: BankDescription,
    config: GenerateDataConfig,
    objects: Objects,
    versions: Versions | None = None,
) -> TrainingDecisions:
    """Every decision whose outcome is known on the business date, with what was known when it was made.

    Raises:
        BadInput: a table breaks its contract, or a join would double decisions.
        UpstreamNotReady: no decision has a known outcome yet, or the feature store has not been built.
    """
    tables = read_bank_tables(spark, bank, _names(bank, config), config, objects, versions)
    _refuse_doubling_joins(bank, tables)
    labelled = to_labelled(
        tables.rows[bank.decisions],
        tables.rows[bank.label_table],
        bank,
        as_of=config.as_of,
        grace_days=config.embargo_days,
    )
    lookups, read = _lookups(spark, bank, config, tables, versions or {})
    return TrainingDecisions(
        _with_features(labelled, bank, tables, lookups).select(*_columns(bank)),
        description_of(bank, config.dataset),
        {**tables.versions, **read},
        tables.notes,
    )


def description_of(bank: BankDescription, dataset: str) -> DatasetDescription:
    """The roles of the training set's columns."""
    return DatasetDescription(
        name=dataset,
        target=LABEL,
        good_when="0",
        id=bank.id,
        numeric=bank.numeric,
        categorical=bank.categorical,
        text=bank.text,
        dates=_dates(bank),
        kept=tuple(line.name for line in bank.catalogue if line.use == "information"),
        protected=bank.protected,
        group=bank.customer,
        event_time=bank.decided_at,
        catalogue=bank.catalogue,
        floors=bank.floors,
        ceilings=bank.ceilings,
        gate=bank.gate,
        tolerance=bank.tolerance,
        leak_limits=bank.leak_limits,
    )


def source_lookup(view: View, bank: BankDescription, rows: DataFrame) -> Lookup:
    """How a view is computed from the bank's own table."""
    contract = bank.tables[view.table]
    return Lookup(view, rows, contract.event_time or "", contract.arrived_on, contract.delay_days)


def _names(bank: BankDescription, config: GenerateDataConfig) -> tuple[str, ...]:
    viewed = (view.table for view in bank.views) if config.features_from == "tables" else ()
    return tuple(dict.fromkeys([bank.decisions, bank.label_table, *(join.table for join in bank.joins), *viewed]))


def _lookups(
    spark: SparkSession, bank: BankDescription, config: GenerateDataConfig, tables: BankTables, pins: Versions
) -> tuple[list[Lookup], dict[str, int | None]]:
    if config.features_from == "tables":
        return [source_lookup(view, bank, tables.rows[view.table]) for view in bank.views], {}
    lookups: list[Lookup] = []
    versions: dict[str, int | None] = {}
    for view in bank.views:
        stored = f"features/{view.name}"
        features = read_features(spark, config.catalogue, bank.name, view, version=pins.get(stored))
        newest = ProfileView(view.name, view.name, view.entity, view.feature_names)
        lookups.append(Lookup(newest, features.rows, EVENT_TIME))
        versions[stored] = features.version
    return lookups, versions


def _with_features(decisions: DataFrame, bank: BankDescription, tables: BankTables, lookups: list[Lookup]) -> DataFrame:
    for join in bank.joins:
        decisions = with_joined(decisions, join, tables.rows[join.table])
    complete = training_set(decisions, lookups, id=bank.id, decided_at=bank.decided_at)
    return with_derived(complete, bank.derived)


def _columns(bank: BankDescription) -> list[str]:
    used = description_of(bank, bank.name)
    return list(dict.fromkeys([bank.id, LABEL, *used.carried]))


def _dates(bank: BankDescription) -> tuple[str, ...]:
    """The decision's moment, and those of joined facts: the leak check finds facts younger than the decision."""
    joined = (bank.tables[join.table].event_time for join in bank.joins)
    return tuple(dict.fromkeys([bank.decided_at, *(date for date in joined if date)]))


def _known_by(rows: DataFrame, contract: TableContract, as_of: str, *, ignore_later: bool) -> DataFrame:
    """The rows that the bank knew on the date: a table that has moved on looks as it did then."""
    known = contract.arrived_on or (contract.event_time if ignore_later else None)
    if known is None or known not in rows.columns:
        return rows
    return rows.where(F.to_date(F.col(f"`{known}`")) <= F.lit(as_of).cast("date"))


def _refuse_doubling_joins(bank: BankDescription, tables: BankTables) -> None:
    problems = []
    for join in bank.joins:
        key = join.on_theirs or join.on
        if bank.tables[join.table].key == (key,) and not join.where:
            continue  # its contract has proven the key already
        repeated = to_repeated_join_keys(tables.rows[join.table], join).collect()[0]["key_count"]
        if repeated:
            problems.append(f"join with {join.table}: {repeated:,} values of {key} stand in several of its rows")
    if problems:
        raise BadInput(*problems)
