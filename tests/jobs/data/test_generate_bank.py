from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import GenerateBankConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.bank_files import shipped_bank
from spark_jobs.io.source_tables import read_source_table
from spark_jobs.jobs import generate_bank
from tests.jobs.generated import files_below


def made(spark: SparkSession, folder: Path, **given: Any) -> JobResult:
    settings = {"root": folder.as_uri(), "as_of": "2026-03-31", "loans": 300, "default_rate": 0.2} | given
    return generate_bank.run(spark, GenerateBankConfig(**settings))


def test_the_tables_of_a_bank_are_written_and_what_is_known_of_its_defaults_is_told(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    result = made(delta_spark, tmp_path)

    config = GenerateBankConfig(root=tmp_path.as_uri(), as_of="2026-01-31")
    contracts = shipped_bank("synthetic_bank").tables
    for name, contract in contracts.items():
        table = read_source_table(delta_spark, config.addresses, "synthetic_bank", contract)
        assert table.rows.dtypes == [(column.name, column.type) for column in contract.columns]
        assert table.rows.count() == result.figures[f"rows of {name}"]
        assert result.values[f"{name}_version"] == "0"
    assert (result.figures["rows of loans"], result.figures["rows of customers"]) == (300, 240)
    assert result.figures["rows of credit_history"] == 300 * 24
    assert result.figures["decisions with a label"] == 300
    assert result.figures["default rate"] == pytest.approx(0.2, abs=0.1)
    assert 0.7 < float(result.figures["best reachable AUC"] or 0) < 0.95
    assert result.figures["drift from"] == "2024-07-01"


def test_a_second_run_replaces_the_tables_by_what_is_known_then(delta_spark: SparkSession, tmp_path: Path) -> None:
    first = made(delta_spark, tmp_path, as_of="2022-12-15", drift_from=None)
    second = made(delta_spark, tmp_path, as_of="2023-06-15")

    assert set(second.values.values()) == {"1"}
    assert int(first.figures["rows of loans"] or 0) < int(second.figures["rows of loans"] or 0) < 300
    assert (first.figures["decisions with a label"], first.figures["default rate"]) == (0, None)
    assert (first.figures["best reachable AUC"], first.figures["drift from"]) == (None, "never")


def test_a_date_before_the_first_decision_is_refused_and_nothing_is_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(BadConfiguration, match="nothing is decided by 2021-12-31"):
        made(spark, tmp_path, as_of="2021-12-31")

    assert files_below(tmp_path) == []
