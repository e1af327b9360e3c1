"""A bank's own applicants come in: whole and in the columns of the data set, or not at all."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration, BadInput, UpstreamNotReady
from arrears.contracts.job_configs.jobs import SampleNewDataConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.objects import Objects
from spark_jobs.data import applicant_delivery
from spark_jobs.jobs import sample_new_data
from tests.jobs.generated import DATASET, files_below, generate, partition_manifest_of, rows_of

DAY = "2026-02-01"
HEADER = ["loan", "bad", "income", "area", "seen", "kids"]
DESCRIPTION = (
    "{name: any, target: bad, id: loan, numeric: [income, kids], categorical: [area], dates: [seen], excluded: [x]}"
)


def loans(first: int, count: int, *, bad: bool = True) -> list[list[Any]]:
    """Rows that are easy to tell: everything follows from the number of the loan."""
    return [
        [f"L{n}", *([int(n % 3 == 0)] if bad else []), 10.5 + n, f"0{n % 4}", f"2026-01-{1 + n % 28:02}", n % 5]
        for n in range(first, first + count)
    ]


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture(scope="module")
def generated(spark_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("generated")
    write_csv(folder / "loans.csv", HEADER, loans(0, 90))
    (folder / "any.yaml").write_text(DESCRIPTION)
    made = generate(spark_session, folder, source=str(folder / "loans.csv"), description=str(folder / "any.yaml"))
    return folder, made.values["dataset_version"]


@pytest.fixture
def version(delta_spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    folder, version = request.getfixturevalue("generated")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return str(version)


def take_in(spark: SparkSession, folder: Path, version: str, source: str, **given: Any) -> JobResult:
    settings = {"root": folder.as_uri(), "dataset": DATASET, "as_of": DAY, "dataset_version": version}
    return sample_new_data.run(spark, SampleNewDataConfig(**settings | {"source": source} | given))


def day_of(spark: SparkSession, folder: Path) -> list[tuple[Any, ...]]:
    rows = rows_of(spark, folder, Table.TEST_SAMPLE, DAY)
    return sorted(tuple(map(str, row)) for row in rows.collect())


def test_a_delivery_becomes_the_day_in_the_data_sets_own_types_without_label(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    # Whole incomes: the file alone would say bigint.
    rows = [["A1", 1, 10, "00", "2026-01-31", 2], ["A2", 0, 20, "01", "", "3.0"]]
    write_csv(tmp_path / "new_20260201.csv", HEADER, rows)
    # A drawn day lies in the same table, which takes no other columns and types.
    take_in(delta_spark, tmp_path, version, "sample", as_of="2026-01-30", fraction=0.5)

    result = take_in(delta_spark, tmp_path, version, str(tmp_path / "new_{{ as_of_nodash }}.csv"))

    assert day_of(delta_spark, tmp_path) == [
        (f"A1-{DAY}-1", "A1", "10.0", "2", "00", "2026-01-31", DAY),
        (f"A2-{DAY}-1", "A2", "20.0", "3", "01", "None", DAY),
    ]
    columns = rows_of(delta_spark, tmp_path, Table.TEST_SAMPLE, DAY).columns
    assert columns == ["sample_id", "borrower_id", "income", "kids", "area", "seen", "as_of"]
    manifest = partition_manifest_of(tmp_path, Table.TEST_SAMPLE, DAY)
    assert (manifest["rows"], manifest["dataset_version"]) == (2, version)
    assert manifest["source"] == str(tmp_path / "new_20260201.csv")
    assert "the outcome bad is left out: new borrowers have none yet" in result.figures["notes on the delivery"]


def test_columns_that_no_model_sees_are_left_out_and_told(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    header = ["loan", "income", "area", "seen", "kids", "x", "channel"]
    write_csv(tmp_path / f"{DAY}.csv", header, [["A1", 1.5, "00", "2026-01-31", 0, 1, "web"]])

    result = take_in(delta_spark, tmp_path, version, str(tmp_path / "{{as_of}}.csv"))

    assert result.figures["notes on the delivery"] == "columns that no model sees are left out: x, channel"


def test_a_redelivery_rewrites_the_day_and_no_other(delta_spark: SparkSession, tmp_path: Path, version: str) -> None:
    source, header = str(tmp_path / "{{as_of}}.csv"), [name for name in HEADER if name != "bad"]
    for day in ("2026-01-31", DAY):
        write_csv(tmp_path / f"{day}.csv", header, loans(100, 3, bad=False))
        take_in(delta_spark, tmp_path, version, source, as_of=day)
    first = day_of(delta_spark, tmp_path)
    take_in(delta_spark, tmp_path, version, source)
    assert day_of(delta_spark, tmp_path) == first

    write_csv(tmp_path / f"{DAY}.csv", header, loans(200, 5, bad=False))
    take_in(delta_spark, tmp_path, version, source)

    assert [row[1] for row in day_of(delta_spark, tmp_path)] == [f"L{n}" for n in range(200, 205)]
    assert rows_of(delta_spark, tmp_path, Table.TEST_SAMPLE, "2026-01-31").count() == 3


def test_a_table_with_a_date_column_gives_the_rows_of_the_day(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    table = tmp_path / "applications"
    rows = [(f"A{n}", 10.5, "00", "2026-01-31", n, DAY if n < 3 else "2026-02-02") for n in range(5)]
    frame = delta_spark.createDataFrame(
        rows, "loan string, income double, area string, seen string, kids short, as_of string"
    )
    frame = frame.withColumns({name: frame[name].cast("date") for name in ("seen", "as_of")})
    frame.write.format("delta").save(str(table))

    result = take_in(delta_spark, tmp_path, version, str(table), date_column="as_of")

    assert [row[1] for row in day_of(delta_spark, tmp_path)] == ["A0", "A1", "A2"]
    assert result.figures["version of the source"] == 0
    with pytest.raises(BadInput, match=r"of 2026-02-03 at .*applications is empty: it holds no applicants"):
        take_in(delta_spark, tmp_path, version, str(table), date_column="as_of", as_of="2026-02-03")


@pytest.mark.parametrize(
    ("header", "rows", "given", "sentence"),
    [
        (HEADER[:4], [], {}, "column kids is missing; column seen is missing"),
        (HEADER, [], {}, "of 2026-02-01 at .*csv is empty: it holds no applicants"),
        (HEADER, loans(100, 2) + loans(101, 2), {}, "doubled: 1 rows repeat the id loan of another"),
        (HEADER, loans(100, 4), {"fewest": 5}, "holds 4 applicants, fewer than 5: it is taken for a part of one"),
        (HEADER, [["A1", 1, "much", "00", "", 1]], {}, "column income is string, the data set has double"),
        (HEADER, [["A1", 1, 1.5, "00", "", 1.5]], {}, "column kids: 1 values do not fit bigint, the type that the"),
        (HEADER, [["", 1, 1.5, "00", "", 1]], {}, "id loan is missing in 1 rows"),
        ([*HEADER, "day"], [[*loans(1, 1)[0], "20260131"]], {"date_column": "day"}, "1 rows .* are not of 2026-02-01"),
    ],
)  # fmt: skip
def test_a_delivery_that_is_not_whole_is_refused_and_the_day_stays_as_it_was(
    delta_spark: SparkSession,
    tmp_path: Path,
    version: str,
    header: list[str],
    rows: list[list[Any]],
    given: dict[str, Any],
    sentence: str,
) -> None:
    source = str(tmp_path / "{{as_of}}.csv")
    write_csv(tmp_path / f"{DAY}.csv", HEADER, loans(300, 2))
    take_in(delta_spark, tmp_path, version, source)
    write_csv(tmp_path / f"{DAY}.csv", header, rows)
    before = files_below(tmp_path)

    with pytest.raises(BadInput, match=sentence) as refused:
        take_in(delta_spark, tmp_path, version, source, **given)

    assert "much" not in str(refused.value)
    assert files_below(tmp_path) == before
    assert [row[1] for row in day_of(delta_spark, tmp_path)] == ["L300", "L301"]


def test_a_delivery_that_is_late_or_lacks_its_marker_may_come_later(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    folder = tmp_path / "in" / f"as_of={DAY}"
    source, given = str(tmp_path / "in" / "as_of={{as_of}}"), {"marker": "_SUCCESS"}
    with pytest.raises(UpstreamNotReady, match=r"no delivery at .* yet"):
        take_in(delta_spark, tmp_path, version, source, **given)
    frame = delta_spark.createDataFrame([("A1", 1.5, "00")], "loan string, income double, area string")
    frame.selectExpr("*", "DATE '2026-01-31' AS seen", "1 AS kids").write.parquet(str(folder))
    (folder / "_SUCCESS").unlink()
    with pytest.raises(UpstreamNotReady, match="is a part so far: its file _SUCCESS is not there"):
        take_in(delta_spark, tmp_path, version, source, **given)

    (folder / "_SUCCESS").touch()

    assert take_in(delta_spark, tmp_path, version, source, **given).figures["rows"] == 1


def test_a_delivery_that_grows_while_it_is_read_is_not_taken(
    delta_spark: SparkSession, tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(tmp_path / f"{DAY}.csv", HEADER, loans(100, 2))
    real = applicant_delivery._counts

    def grow(*given: Any) -> Any:
        counted = real(*given)
        write_csv(tmp_path / f"{DAY}.csv", HEADER, loans(100, 3))
        return counted

    monkeypatch.setattr(applicant_delivery, "_counts", grow)
    with pytest.raises(UpstreamNotReady, match="changed while they were read: run again"):
        take_in(delta_spark, tmp_path, version, str(tmp_path / "{{as_of}}.csv"))
    assert not Objects().list((tmp_path / "test_sample").as_uri())


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("s3://bank/applications/", "is the same on every day: put {{as_of}}"),
        ("s3://bank/{{ds}}/", "{{ds}} is neither {{as_of}} nor {{as_of_nodash}}"),
        ("synthetic", "source synthetic delivers nothing by day"),
    ],
)
def test_a_source_that_cannot_tell_days_apart_is_refused(source: str, sentence: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        SampleNewDataConfig(as_of=DAY, dataset_version="1", source=source)
    assert sentence in str(refused.value)


def test_rows_without_an_id_are_doubled_where_every_one_stands_twice(delta_spark: SparkSession, tmp_path: Path) -> None:
    description = tmp_path / "any.yaml"
    description.write_text("{name: any, target: bad, numeric: [income]}")
    write_csv(tmp_path / "loans.csv", ["bad", "income"], [[int(n % 3 == 0), n] for n in range(90)])
    given = {"source": str(tmp_path / "loans.csv"), "description": str(description)}
    version = generate(delta_spark, tmp_path, **given).values["dataset_version"]
    source = str(tmp_path / "{{as_of}}.csv")
    write_csv(tmp_path / f"{DAY}.csv", ["income"], [[1], [2], [1]])
    assert take_in(delta_spark, tmp_path, version, source).figures["rows"] == 3

    write_csv(tmp_path / f"{DAY}.csv", ["income"], [[1], [2], [1], [2]])
    with pytest.raises(BadInput, match="doubled: 4 rows, of which 2 differ from each other"):
        take_in(delta_spark, tmp_path, version, source)
