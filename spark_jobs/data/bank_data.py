"""A bank's tables turned into decisions with features and labels: joined as it was known when each was made."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import GenerateDataConfig
from arrears.contracts.tables.banks import BankDescription, OutcomeColumn
from arrears.contracts.tables.column_names import LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.features import View
from arrears.contracts.tables.knowledge import LabelKnowledge, days_until_known, label_knowledge, row_knowledge
from arrears.stores.objects import Objects
from spark_jobs.data.bank_tables import BankTables, Versions, read_bank_tables
from spark_jobs.io.feature_store import read_features
from spark_jobs.transforms.bank.derived import with_derived
from spark_jobs.transforms.bank.joins import to_repeated_join_keys, with_joined
from spark_jobs.transforms.bank.knowledge_columns import arrival_delay
from spark_jobs.transforms.bank.labels import to_labelled
from spark_jobs.transforms.bank.point_in_time import Lookup, training_set
from spark_jobs.transforms.bank.stored_features import StoredLookup


@dataclass(frozen=True)
class TrainingDecisions:
    """Decisions with features and labels, what their columns mean, and the table versions behind them.

    Attributes:
        label_known: when the outcome of a decision is known, the embargo included.
    """

    rows: DataFrame
    description: DatasetDescription
    versions: dict[str, int | None]
    label_known: LabelKnowledge
    notes: tuple[str, ...] = ()


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
    label_known, notes = _label_known(bank, tables, config)
    labelled = to_labelled(
        tables.rows[bank.decisions], tables.rows[bank.label_table], bank, as_of=config.as_of, known=label_known
    )
    lookups, feature_versions, feature_notes = _lookups(spark, bank, config, tables, versions or {})
    return TrainingDecisions(
        _with_features(labelled, bank, tables, lookups).select(*_columns(bank)),
        description_of(bank, config.dataset),
        {**tables.versions, **feature_versions},
        label_known,
        (*tables.notes, *notes, *feature_notes),
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
        dates=tuple(dict.fromkeys([bank.decided_at, *_known_after(bank)])),
        known_after=_known_after(bank),
        kept=_kept_columns(bank),
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
    return Lookup(view, rows, row_knowledge(bank.tables[view.table]))


def _label_known(
    bank: BankDescription, tables: BankTables, config: GenerateDataConfig
) -> tuple[LabelKnowledge, list[str]]:
    """When labels are known, and a note where the longest delay of late rows had to be observed."""
    contract = bank.tables[bank.label_table]
    if isinstance(bank.label, OutcomeColumn) or contract.arrived_on is None or contract.delay_days is not None:
        return label_knowledge(bank).later_by(config.embargo_days), []
    delay = F.max(arrival_delay(row_knowledge(contract)))
    longest = tables.rows[contract.name].agg(delay.alias("days")).collect()[0]["days"] or 0
    note = (
        f"table {contract.name} declares no longest delay: labels count as known {longest} days after their window,"
        " the longest delay observed; a row that comes later than that may change a label: declare delay_days"
    )
    return label_knowledge(bank, longest_delay=longest).later_by(config.embargo_days), [note]


def _names(bank: BankDescription, config: GenerateDataConfig) -> tuple[str, ...]:
    viewed = (view.table for view in bank.views) if config.features_from == "tables" else ()
    return tuple(dict.fromkeys([bank.decisions, bank.label_table, *(join.table for join in bank.joins), *viewed]))


def _lookups(
    spark: SparkSession, bank: BankDescription, config: GenerateDataConfig, tables: BankTables, pins: Versions
) -> tuple[list[Lookup] | list[StoredLookup], dict[str, int | None], list[str]]:
    if config.features_from == "tables":
        return [source_lookup(view, bank, tables.rows[view.table]) for view in bank.views], {}, []
    stored = {
        view: read_features(spark, config.addresses, bank.name, view, version=pins.get(f"features/{view.name}"))
        for view in bank.views
    }
    return (
        [StoredLookup(view, features.rows, features.builds) for view, features in stored.items()],
        {f"features/{view.name}": features.version for view, features in stored.items()},
        [
            f"features of {view.name} are as known at its builds for {features.builds[0]} to {features.builds[-1]};"
            f" a decision sees the newest one before it, one before {features.builds[0]} has no features"
            for view, features in stored.items()
            if features.builds
        ],
    )


def _with_features(
    decisions: DataFrame, bank: BankDescription, tables: BankTables, lookups: list[Lookup] | list[StoredLookup]
) -> DataFrame:
    for join in bank.joins:
        decisions = with_joined(decisions, join, tables.rows[join.table])
    complete = training_set(decisions, lookups, id=bank.id, decided_at=bank.decided_at)
    return with_derived(complete, bank.derived)


def _columns(bank: BankDescription) -> list[str]:
    used = description_of(bank, bank.name)
    return list(dict.fromkeys([bank.id, LABEL, *used.carried]))


def _kept_columns(bank: BankDescription) -> tuple[str, ...]:
    """Columns that are stored and never learnt from. Splits and folds need the one when an outcome was known."""
    known_on = filter(None, [bank.label.known_on])
    return tuple(dict.fromkeys([*(line.name for line in bank.catalogue if line.use == "information"), *known_on]))


def _known_after(bank: BankDescription) -> dict[str, int]:
    """The times of joined facts: the leak check finds facts that were known only after the decision."""
    joined = (days_until_known(bank.tables[join.table]) for join in bank.joins)
    return {name: days for times in joined for name, days in times.items()}


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
