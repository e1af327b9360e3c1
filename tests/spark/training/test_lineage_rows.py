"""Which rows a model has learnt from: exact, with the customers, and found again in other rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.addresses import Addresses, Table
from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.io.lineages import keep_lineage, lineage_of
from spark_jobs.io.tables import overwrite_partition
from spark_jobs.transforms.training.lineage_rows import to_lineage, with_learnt

DESCRIPTION = DatasetDescription(name="loans", target="bad", numeric=("income",), group="customer")
SCHEMA = "borrower_id string, customer bigint, is_default int"

Rows = list[tuple[str, int | None, int]]

ids = st.sampled_from([f"b{number}" for number in range(8)])
loans = st.lists(
    st.tuples(ids, st.none() | st.integers(0, 3), st.just(0)), min_size=1, max_size=8, unique_by=lambda r: r[0]
)


def table(spark: SparkSession, rows: Rows) -> DataFrame:
    return spark.createDataFrame(rows, SCHEMA)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(loans, loans, st.sampled_from([None, "customer", "not_there"]))
def test_row_is_known_by_its_own_id_or_by_its_customer(
    spark: SparkSession, learnt: Rows, others: Rows, group: str | None
) -> None:
    lineage = to_lineage(table(spark, learnt), group)
    found = with_learnt(table(spark, others), lineage, group, name="m").collect()
    rows, customers = {row[0] for row in learnt}, {row[1] for row in learnt} - {None}
    is_grouped = group == "customer"
    assert sorted((row.borrower_id, row.m_row, row.m_customer) for row in found) == sorted(
        (key, key in rows, is_grouped and customer in customers) for key, customer, _ in others
    )
    assert lineage.count() == len(rows) + (len(customers) if is_grouped else 0)


def test_customer_whose_name_is_a_rows_id_is_no_row(spark: SparkSession) -> None:
    lineage = to_lineage(table(spark, [("b1", 7, 0)]), "customer")
    other = spark.createDataFrame([("7", 1), ("b2", 7)], "borrower_id string, customer bigint")
    found = {
        row.borrower_id: (row.m_row, row.m_customer)
        for row in with_learnt(other, lineage, "customer", name="m").collect()
    }
    assert found == {"7": (False, False), "b2": (False, True)}


def test_lineage_is_kept_with_the_model_and_found_by_its_tags(spark: SparkSession, tmp_path: Path) -> None:
    root = tmp_path.as_uri()
    config = TrainModelConfig(root=root, dataset="loans", dataset_version="v1")
    rows = spark.createDataFrame(
        [("b2", 7, 0, 1.0), ("b1", 7, 1, 2.0), ("b3", None, 0, 3.0)], f"{SCHEMA}, income double"
    )
    overwrite_partition(rows, Addresses(root), Table.TRAIN, "loans", "v1")
    kept = keep_lineage(spark, config, DESCRIPTION, "v1", "run1")
    assert (kept.rows, kept.customers) == (3, 1)
    assert kept.address == f"{root}/artifacts/models/loans/run1/lineage"
    overwrite_partition(rows.limit(1), Addresses(root), Table.TRAIN, "loans", "v1")  # the kept one counts

    def ids_of(tags: dict[str, str]) -> set[tuple[str, str]] | None:
        found = lineage_of(spark, config, DESCRIPTION, tags)
        return None if found is None else {(row.kind, row.key) for row in found.collect()}

    whole = {("row", "b1"), ("row", "b2"), ("row", "b3"), ("customer", "7")}
    assert ids_of(kept.tags) == whole
    assert len(ids_of({"arrears.dataset_version": "v1"}) or ()) < len(whole)
    assert ids_of({"arrears.dataset_version": "v0"}) is None
    assert ids_of({}) is None
    with pytest.raises(BadInput, match="is damaged"):
        ids_of({**kept.tags, "arrears.lineage.rows": "4"})
