"""The shape of every table: which columns it has, of which type, and every way in which columns differ from it."""

from __future__ import annotations

import re

from pyspark.sql import types as T

from arrears.contracts.addresses import Table
from arrears.contracts.tables.column_names import ID, LABEL, SCORE, TARGET_VALUE, WORK_PREFIX

SAMPLE_ID = "sample_id"
KNOWN_ON = "known_on"

_BORROWER = T.StructField(ID, T.StringType())
_LABELLED = T.StructType([_BORROWER, T.StructField(LABEL, T.IntegerType())])
_UNLABELLED = T.StructType([_BORROWER, T.StructField(TARGET_VALUE, T.StringType())])
_SAMPLED = T.StructType([T.StructField(SAMPLE_ID, T.StringType()), _BORROWER])
_SCORED = T.StructType(
    [
        *_SAMPLED,
        T.StructField(SCORE, T.DoubleType()),
        T.StructField("risk_category", T.StringType()),
        T.StructField("is_approved", T.BooleanType()),
        T.StructField("model_name", T.StringType()),
        T.StructField("model_version", T.StringType()),
        T.StructField("scored_at", T.TimestampType()),
    ]
)

_OUTCOME = T.StructType([*_LABELLED, T.StructField(KNOWN_ON, T.DateType())])

# What a table has whatever the data set, besides its partition. Features, dates and kept columns come after it.
FIXED_COLUMNS = {
    Table.TRAIN: _LABELLED,
    Table.TEST: _LABELLED,
    Table.UNLABELLED: _UNLABELLED,
    Table.TRAIN_SUP: _LABELLED,
    Table.TEST_SAMPLE: _SAMPLED,
    Table.TEST_SAMPLE_INFERENCE: _SCORED,
    Table.OUTCOMES: _OUTCOME,
}

# Delta refuses these in a column's name, or reads them as a path into a struct.
_UNSTORABLE = re.compile(r"[\s,;{}()=.`]+")


def stored_name(column: str) -> str:
    """The name under which a source's column stands in the tables: never one that begins with ``_``, as ours do.

    >>> stored_name("default payment next month"), stored_name("_id")
    ('default_payment_next_month', 'id_')
    """
    name = _UNSTORABLE.sub(WORK_PREFIX, column.lstrip("\ufeff").strip())
    own = name.lstrip(WORK_PREFIX)
    return own + WORK_PREFIX * (len(name) - len(own)) if own else ""


def differences(actual: T.StructType, expected: T.StructType) -> list[str]:
    """Every way in which columns differ from the expected ones. Order and nullability do not count."""
    present = {field.name: field.dataType.simpleString() for field in actual}
    wanted = {field.name: field.dataType.simpleString() for field in expected}
    problems = [f"column {name} is missing" for name in wanted if name not in present]
    problems += [f"column {name} is not expected" for name in present if name not in wanted]
    problems += [
        f"column {name} is {present[name]}, expected {kind}"
        for name, kind in wanted.items()
        if name in present and present[name] != kind
    ]
    return problems
