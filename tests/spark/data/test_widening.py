"""A column that is stored in a narrower type is read as the declared one, and never loses a value by it."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract
from spark_jobs.io.source_tables import read_source_table
from spark_jobs.transforms.bank.row_rules import row_rules, schema_problems
from spark_jobs.transforms.bank.widening import loss, widened, widened_type
from spark_jobs.transforms.borrowers.borrowers import to_borrowers

DAY = datetime.date(2026, 1, 31)
TIMES = tuple(map(datetime.datetime.fromisoformat, ("1900-01-01 01:02:03", "2026-01-31 23:59:59.999999")))
# The least and the greatest value of each type that a table may store; what no type may lose are these.
STORED: dict[str, tuple[Any, Any]] = {
    "tinyint": (-128, 127),
    "smallint": (-32768, 32767),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
    "float": (-16777217.5, 3.4028234663852886e38),
    "double": (-0.1, 1.7976931348623157e308),
    "decimal(9,0)": (Decimal("-999999999"), Decimal("999999999")),
    "decimal(10,0)": (Decimal("-9999999999"), Decimal("9999999999")),
    "decimal(15,2)": (Decimal("-9999999999999.99"), Decimal("9999999999999.99")),
    "decimal(18,0)": (Decimal("-999999999999999999"), Decimal("999999999999999999")),
    "decimal(18,2)": (Decimal("-9999999999999999.99"), Decimal("9999999999999999.99")),
    "decimal(38,10)": (Decimal("-" + "9" * 28 + ".9999999999"), Decimal("9" * 28 + ".9999999999")),
    "boolean": (False, True),
    "string": ("", "a"),
    "date": (datetime.date(1900, 1, 1), DAY),
    "timestamp": TIMES,
    "timestamp_ntz": TIMES,
}
DECLARED = (
    "string", "int", "bigint", "double", "decimal", "boolean", "date", "timestamp", "decimal(10,0)", "decimal(18,2)",
    "decimal(38,10)",
)  # fmt: skip
WIDER = {
    "int": {"tinyint", "smallint", "decimal(9,0)"},
    "bigint": {"tinyint", "smallint", "int", "decimal(9,0)", "decimal(10,0)", "decimal(18,0)"},
    "double": {"tinyint", "smallint", "int", "float", "decimal(9,0)", "decimal(10,0)", "decimal(15,2)"},
    "decimal": {"tinyint", "smallint", "int", "bigint"},
    "decimal(10,0)": {"tinyint", "smallint", "int", "decimal(9,0)"},
    "decimal(18,2)": {"tinyint", "smallint", "int", "decimal(9,0)", "decimal(10,0)", "decimal(15,2)"},
    "decimal(38,10)": {
        "tinyint", "smallint", "int", "bigint", "decimal(9,0)", "decimal(10,0)", "decimal(15,2)", "decimal(18,0)",
        "decimal(18,2)",
    },
    "timestamp": {"timestamp_ntz"},
}  # fmt: skip


def type_of(name: str) -> T.DataType:
    return T.StructType.fromDDL(f"c {name}")["c"].dataType


def contract_of(**kinds: str) -> TableContract:
    return TableContract("payments", tuple(ColumnContract(name, kind) for name, kind in kinds.items()), key=("id",))


def test_exactly_the_types_that_hold_every_value_are_wider(spark: SparkSession) -> None:
    found = {
        declared: {stored for stored in STORED if stored != declared and widened_type(type_of(stored), declared)}
        for declared in DECLARED
    }

    assert found == {declared: WIDER.get(declared, set()) for declared in DECLARED}
    assert widened_type(T.VarcharType(9), "string") == widened_type(T.CharType(9), "string") == "string"


def test_the_least_and_the_greatest_value_of_a_narrower_type_stay_as_they_are(spark: SparkSession) -> None:
    pairs = [(stored, declared) for declared, kinds in WIDER.items() for stored in sorted(kinds)]
    schema = ", ".join(f"c{n} {stored}" for n, (stored, _) in enumerate(pairs))
    rows = [tuple(STORED[stored][end] for stored, _ in pairs) for end in (0, 1)]

    narrow = spark.createDataFrame([*rows, (None,) * len(pairs)], schema)
    wide, notes = widened(narrow, {f"c{n}": declared for n, (_, declared) in enumerate(pairs)})

    there_and_back = wide.select(*(F.col(f"c{n}").cast(stored) for n, (stored, _) in enumerate(pairs)))
    assert [tuple(row) for row in there_and_back.collect()] == [tuple(row) for row in narrow.collect()]
    assert [dict(wide.dtypes)[f"c{n}"] for n, (_, declared) in enumerate(pairs) if declared != "decimal"] == [
        declared for _, declared in pairs if declared != "decimal"
    ]
    assert notes[0] == "column c0 is stored as decimal(9,0), read as int"
    assert len(notes) == len(pairs)


def test_a_type_that_would_lose_is_refused_with_what_to_declare(spark: SparkSession) -> None:
    schema = T.StructType.fromDDL("id bigint, amount double, share decimal(20,6), at timestamp, on date, name binary")
    contract = contract_of(id="int", amount="decimal(18,2)", share="double", at="date", on="timestamp", name="string")

    problems, _ = schema_problems(schema, contract, allow_new_columns=False)

    assert problems == [
        f"table payments: column {told}"
        for told in (
            "id is bigint, its contract says int; not every bigint fits int: declare bigint, or convert the table",
            "amount is double, its contract says decimal(18,2); not every double fits decimal(18,2): declare double,"
            " or convert the table",
            "share is decimal(20,6), its contract says double; not every decimal(20,6) fits double: declare"
            " decimal(20,6), or convert the table",
            "at is timestamp, its contract says date; a date would lose the time of day: declare timestamp",
            "on is date, its contract says timestamp; a day tells no time of day: declare date",
            "name is binary, its contract says string",
        )
    ]
    assert loss(T.FloatType(), "int").endswith("declare double, or convert the table")


def test_a_table_as_banks_keep_it_is_read_as_declared_and_its_notes_say_so(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    stored = delta_spark.sql(
        "SELECT CAST(7 AS decimal(10,0)) AS id, CAST(1.1 AS float) AS rate, CAST(12345678901234.56 AS decimal(18,2))"
        " AS amount, CAST(3 AS smallint) AS days, TIMESTAMP_NTZ'2026-01-31 23:30:00' AS seen"
    )
    declared = contract_of(id="bigint", rate="double", amount="decimal", days="int", seen="timestamp")
    for form in ("delta", "parquet"):
        stored.write.format(form).save(str(tmp_path / form))
        contract = TableContract(declared.name, declared.columns, declared.key, source=str(tmp_path / form))

        table = read_source_table(delta_spark, Addresses("s3://elsewhere"), "bank", contract)

        assert schema_problems(table.rows.schema, contract, allow_new_columns=False) == ([], [])
        (row,) = table.rows.collect()
        seen = datetime.datetime.fromisoformat("2026-01-31 23:30:00")
        assert row[:] == (7, 1.100000023841858, Decimal("12345678901234.56"), 3, seen)
        assert table.notes == (
            "table payments: column id is stored as decimal(10,0), read as bigint",
            "table payments: column rate is stored as float, read as double",
            "table payments: column days is stored as smallint, read as int",
            "table payments: column seen is stored as timestamp_ntz, read as timestamp",
        )


def test_a_text_with_more_decimals_than_declared_is_no_such_decimal(spark: SparkSession, tmp_path: Path) -> None:
    file = tmp_path / "payments.csv"
    file.write_text("id,amount,rate\n1,12.30,.5\n2,-12.3000,1.23456789\n3,+7,\n")
    contract = contract_of(id="int", amount="decimal(6,2)", rate="decimal")
    contract = TableContract(contract.name, contract.columns, contract.key, source=str(file))

    table = read_source_table(spark, Addresses("s3://elsewhere"), "bank", contract)

    assert [row[1:] for row in table.rows.orderBy("id").collect()] == [
        (Decimal("12.30"), Decimal("0.5")),
        (Decimal("-12.30"), Decimal("1.23456789")),
        (Decimal(7), None),
    ]
    file.write_text("id,amount,rate\n1,12.301,1\n2,123456.00,1\n3,1e2,1\n4,.,secret\n")
    with pytest.raises(BadInput) as refused:
        read_source_table(spark, Addresses("s3://elsewhere"), "bank", contract)
    assert refused.value.problems == (
        "table payments: column amount: 4 values are no decimal(6,2)",
        "table payments: column rate: 1 values are no decimal",
    )


def test_limits_of_decimals_are_exact(spark: SparkSession) -> None:
    column = ColumnContract("amount", "decimal(18,2)", minimum=-0.1, maximum=1e15)
    contract = TableContract("payments", (column,), key=("amount",))
    amounts = ["-0.11", "-0.10", "1000000000000000.00", "1000000000000000.01"]
    rows = spark.createDataFrame([(Decimal(amount),) for amount in amounts], "amount decimal(18,2)")

    _, rule = row_rules(contract, DAY)

    assert [row[0] for row in rows.select(rule.is_broken).collect()] == [True, False, False, True]


@pytest.mark.parametrize("kind", ["decimal(39,0)", "decimal(5,6)", "decimal(0,0)", "decimal(5)", "smallint", "float"])
def test_a_type_that_is_none_is_refused(kind: str) -> None:
    with pytest.raises(BadConfiguration, match=r"table payments: column amount is "):
        contract_of(id="int", amount=kind)


def test_two_long_customer_numbers_stay_two(spark: SparkSession) -> None:
    rows = spark.sql(
        "SELECT id, CAST(id AS double) AS x, 1 AS bad,"
        " CAST(12345678901234567890 AS decimal(20,0)) + CAST(id AS decimal(1,0)) AS customer FROM range(2)"
    )
    description = DatasetDescription(name="loans", target="bad", id="id", numeric=("x",), group="customer")

    customers = to_borrowers(rows, description).orderBy("borrower_id").select("customer").collect()

    assert [row[0] for row in customers] == ["12345678901234567890", "12345678901234567891"]
