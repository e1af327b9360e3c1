"""A small synthetic bank, from its tables through the feature store to a data set and its replay."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Addresses, Table
from arrears.contracts.errors import BadInput, UpstreamNotReady
from arrears.contracts.job_configs.jobs import (
    BuildFeaturesConfig,
    GenerateBankConfig,
    GenerateDataConfig,
    MaintainTablesConfig,
    ReplayTrainingSetConfig,
)
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.bank_files import shipped_bank
from arrears.stores.objects import Objects
from spark_jobs.data.bank_tables import read_bank_tables
from spark_jobs.data.leak_check import find_leaks
from spark_jobs.io.commits import table_version
from spark_jobs.io.source_tables import overwrite_source_table, read_source_table
from spark_jobs.io.tables import read_partition
from spark_jobs.jobs import build_features, generate_bank, generate_data, maintain_tables, replay_training_set
from tests.jobs.data.small_bank import small_bank

NAME = "synthetic_bank"
BANK = shipped_bank(NAME)
AS_OF = "2026-03-31"
LOANS = 400


def make_bank(spark: SparkSession, root: str, **given: Any) -> None:
    small = {"loans": LOANS, "default_rate": 0.2, "late_share": 0.1, "as_of": AS_OF}
    generate_bank.run(spark, GenerateBankConfig(root=root, **{**small, **given}))


def make_data(spark: SparkSession, root: str, **given: Any) -> JobResult:
    usual = {"as_of": AS_OF, "description": described(root)}
    return generate_data.run(spark, GenerateDataConfig(root=root, dataset=NAME, source="bank", **{**usual, **given}))


def build(spark: SparkSession, root: str, as_of: str, **given: Any) -> JobResult:
    given = {"description": described(root), **given}
    return build_features.run(spark, BuildFeaturesConfig(root=root, as_of=as_of, **given))


def described(root: str) -> str:
    return small_bank(Path(root.removeprefix("file://")))


def rows_of(spark: SparkSession, root: str, version: str) -> DataFrame:
    sides = [
        read_partition(spark, Addresses(root).table(table, NAME), {"dataset_version": version}, what="")
        for table in (Table.TRAIN, Table.TEST)
    ]
    return sides[0].withColumn("side", F.lit("train")).unionByName(sides[1].withColumn("side", F.lit("test")))


def leaks_of(rows: DataFrame, manifest: dict[str, Any]) -> list[str]:
    sides = (rows.where(F.col("side") == side) for side in ("train", "test"))
    return find_leaks(*sides, DatasetDescription.from_dict(manifest["description"]), seed=42)


def source(spark: SparkSession, root: str, table: str) -> DataFrame:
    return read_source_table(spark, Addresses(root), NAME, BANK.tables[table]).rows


@pytest.fixture(scope="module")
def bank(delta_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The root under which the bank's tables stand; tests that change a table make their own bank."""
    root = tmp_path_factory.mktemp("bank").as_uri()
    make_bank(delta_session, root)
    return root


def test_a_banks_tables_become_a_data_set_that_a_replay_rebuilds_after_they_have_moved_on(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    root = tmp_path.as_uri()
    make_bank(delta_spark, root)
    made = make_data(delta_spark, root, split="grouped")
    version = made.values["dataset_version"]
    rows = rows_of(delta_spark, root, version)

    assert rows.count() == LOANS == made.figures["rows"]
    sides = rows.groupBy("customer_id").agg(F.count_distinct("side").alias("sides"), F.count("*").alias("loans"))
    assert sides.agg(F.max("sides")).collect()[0][0] == 1
    assert sides.where("loans > 1").count() > 0
    manifest = Objects().get_json(Addresses(root).dataset_manifest(NAME, version))
    assert manifest["table_versions"] == {"loans": 0, "customers": 0, "credit_history": 0}
    assert "gender" in rows.columns
    assert "gender" not in {*manifest["description"]["numeric"], *manifest["description"]["categorical"]}

    assert leaks_of(rows, manifest) == []

    make_bank(delta_spark, root, seed=7)
    config = ReplayTrainingSetConfig(root=root, dataset=NAME, dataset_version=version)
    assert replay_training_set.run(delta_spark, config).figures["replayed"] == "identical"

    manifest["table_versions"]["credit_history"] = 1
    Objects().put_json(Addresses(root).dataset_manifest(NAME, version), manifest)
    with pytest.raises(BadInput, match=r"cannot be built again as it was.*train differs"):
        replay_training_set.run(delta_spark, config)


@pytest.fixture(scope="module")
def version(spark_session: SparkSession, bank: str) -> str:
    """The data set of all decisions with features from the tables, split by chance."""
    return make_data(spark_session, bank).values["dataset_version"]


def test_labels_are_those_of_the_history_after_the_decision(delta_spark: SparkSession, bank: str, version: str) -> None:
    loans = {row["loan_id"]: row["decided_on"] for row in source(delta_spark, bank, "loans").collect()}
    bad = set()
    for row in source(delta_spark, bank, "credit_history").where("days_past_due >= 90").collect():
        decided = loans[row["loan_id"]]
        if decided < row["month_on"] <= decided.replace(year=decided.year + 1):
            bad.add(str(row["loan_id"]))

    rows = rows_of(delta_spark, bank, version).select("borrower_id", "is_default").collect()

    assert {row["borrower_id"] for row in rows if row["is_default"] == 1} == bad
    assert 0.1 < len(bad) / LOANS < 0.3


def test_a_split_by_chance_parts_customers_which_training_refuses(
    delta_spark: SparkSession, bank: str, version: str
) -> None:
    manifest = Objects().get_json(Addresses(bank).dataset_manifest(NAME, version))
    assert "choose grouped or out_of_time" in manifest["notes"][0]
    (leak,) = leaks_of(rows_of(delta_spark, bank, version), manifest)
    assert "values of customer_id stand on both sides of the split" in leak


def test_held_out_decisions_follow_the_training_labels_in_a_split_by_time(delta_spark: SparkSession, bank: str) -> None:
    made = make_data(delta_spark, bank, split="out_of_time", embargo_days=30, test_share=0.2)
    test_from = str(made.figures["held out from"])
    rows = rows_of(delta_spark, bank, made.values["dataset_version"])

    days = rows.groupBy("side").agg(
        F.min(F.expr("decided_on")).alias("first"),
        F.max(F.expr("date_add(add_months(decided_on, 12), 90 + 30)")).alias("known"),
    )
    found = {row["side"]: row for row in days.collect()}
    assert str(found["test"]["first"]) == test_from
    assert str(found["train"]["known"]) <= test_from
    assert rows.count() + int(made.figures["rows under embargo"] or 0) == made.figures["rows"]
    assert rows.where("side = 'test'").count() / int(made.figures["rows"] or 1) == pytest.approx(0.2, abs=0.03)


def test_young_decisions_wait_for_their_label(delta_spark: SparkSession, bank: str) -> None:
    with pytest.raises(UpstreamNotReady, match="no decision of synthetic_bank has a known outcome on 2022-06-30"):
        make_data(delta_spark, bank, as_of="2022-06-30", most_broken_share=1.0)


def test_the_feature_store_gives_what_the_tables_give_on_the_day_it_was_built(
    delta_spark: SparkSession, bank: str, version: str
) -> None:
    loans = source(delta_spark, bank, "loans")
    day = str(loans.agg(F.mode("decided_on")).collect()[0][0])
    build(delta_spark, bank, day)

    by_tables = rows_of(delta_spark, bank, version)
    made = make_data(delta_spark, bank, features_from="store")
    by_store = rows_of(delta_spark, bank, made.values["dataset_version"])

    def of_that_day(rows: DataFrame) -> list[Any]:
        return sorted(rows.where(F.col("decided_on") == day).drop("dataset_version").collect(), key=str)

    assert of_that_day(by_store) == of_that_day(by_tables) != []
    untold = by_store.where(F.col("decided_on") < day)
    assert untold.agg(F.count("days_since_last_event"), F.count("event_count_3m")).collect()[0] == (0, 0)
    notes = Objects().get_json(Addresses(bank).dataset_manifest(NAME, made.values["dataset_version"]))["notes"]
    assert any(f"one before {day} has no features" in note for note in notes)
    assert made.figures["version of features/repayment_behaviour"] == 0


def test_a_date_built_twice_is_there_once_and_a_backfill_leaves_other_dates_alone(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    root = tmp_path.as_uri()
    make_bank(delta_spark, root, loans=120)
    uri = Addresses(root).feature_table(NAME, "repayment_behaviour")

    def stored() -> dict[tuple[Any, ...], Any]:
        rows = delta_spark.read.format("delta").load(uri).collect()
        assert len({(row["loan_id"], row["event_time"], row["as_of"]) for row in rows}) == len(rows)
        return {(row["as_of"], row["loan_id"]): row for row in rows}

    build(delta_spark, root, "2023-06-01")
    build(delta_spark, root, "2023-04-01")
    before = stored()
    build(delta_spark, root, "2023-06-01")
    assert stored() == before

    # A month arrives after all, another is withdrawn: the date's rows follow, those of the other date stay.
    history = source(delta_spark, root, "credit_history")
    gone = history.where("month_on <= '2023-05-31'").agg(F.min("loan_id")).collect()[0][0]
    changed = history.where(F.col("loan_id") != gone).withColumn(
        "paid_amount", F.when(F.col("month_on") == "2023-05-31", 1.0).otherwise(F.col("paid_amount"))
    )
    overwrite_source_table(changed.localCheckpoint(), Addresses(root), NAME, "credit_history")
    build(delta_spark, root, "2023-06-01")
    after = stored()
    assert {k: v for k, v in after.items() if k[0] == "2023-04-01"} == {
        k: v for k, v in before.items() if k[0] == "2023-04-01"
    }
    assert ("2023-06-01", gone) not in after
    assert any(after[key] != before[key] for key in after if key[0] == "2023-06-01")

    # A window more is a column more: only with the setting, and the other date keeps what it had.
    wider = small_bank(tmp_path, months=6)
    with pytest.raises(BadInput, match=r"column event_count_6m is not expected.*allow_new_columns accepts added ones"):
        build(delta_spark, root, "2023-06-01", description=wider)
    assert stored() == after
    build(delta_spark, root, "2023-06-01", description=wider, allow_new_columns=True)
    grown = stored()
    assert {k: grown[k]["event_count_6m"] is None for k in after} == {k: k[0] == "2023-04-01" for k in after}
    assert all(grown[k]["paid_amount_sum_3m"] == row["paid_amount_sum_3m"] for k, row in after.items())
    after = grown

    maintained = maintain_tables.run(delta_spark, MaintainTablesConfig(root=root, dataset=NAME))
    assert maintained.figures["tables"] == 5
    assert stored() == after


def test_a_table_where_only_spark_can_look_is_read_like_any_other(
    delta_spark: SparkSession, bank: str, tmp_path: Path
) -> None:
    loans = source(delta_spark, bank, "loans")
    loans.write.parquet(str(tmp_path / "loans"))
    mounted = "fs.viewfs.mounttable.bank.link./tables"
    delta_spark.conf.set(mounted, tmp_path.as_uri())
    contract = dataclasses.replace(BANK.tables["loans"], source="viewfs://bank/tables/loans")
    elsewhere = dataclasses.replace(BANK, tables={**BANK.tables, "loans": contract})
    try:
        config = BuildFeaturesConfig(root=bank, as_of=AS_OF)
        tables = read_bank_tables(delta_spark, elsewhere, ("loans",), config, Objects())
        assert (tables.rows["loans"].count(), tables.versions) == (LOANS, {"loans": None})
    finally:
        delta_spark.conf.unset(mounted)


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        ("SELECT * FROM history UNION ALL SELECT * FROM history WHERE loan_id < 200", "key loan_id, month_on is rep"),
        ("SELECT * EXCEPT (due_amount) FROM history", r"column due_amount \(double\) is missing"),
        ("SELECT * EXCEPT (due_amount), string(due_amount) AS due_amount FROM history", "due_amount is string"),
        ("SELECT *, 1 AS surprise FROM history", "column surprise is not in the contract"),
        ("SELECT * FROM history WHERE month_on <> '2023-02-28'", "2023-02"),
        ("SELECT * FROM history WHERE month_on < '2023-05-01'", "its newest month_on is 2023-04-30"),
        (
            "SELECT * EXCEPT (month_on), if(month_on = '2023-05-31', date'2024-01-31', month_on) AS month_on"
            " FROM history",
            "month_on is later than 2023-06-01 in 241 rows",
        ),
    ],
)  # fmt: skip
def test_a_table_that_breaks_its_contract_stops_the_build_and_nothing_is_written(
    delta_spark: SparkSession, bank: str, tmp_path: Path, spoilt: str, told: str
) -> None:
    root = tmp_path.as_uri()
    source(delta_spark, bank, "credit_history").createOrReplaceTempView("history")
    overwrite_source_table(delta_spark.sql(spoilt), Addresses(root), NAME, "credit_history")

    with pytest.raises(BadInput, match=told):
        build(delta_spark, root, "2023-06-01")

    assert table_version(Addresses(root).feature_table(NAME, "repayment_behaviour")) is None
    assert Objects().list(f"{Addresses(root).artifacts}/quarantine") == []
