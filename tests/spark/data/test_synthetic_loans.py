from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.transforms.borrowers import borrower_checks
from spark_jobs.transforms.borrowers.borrowers import to_borrowers
from spark_jobs.transforms.synthetic import synthetic_loans

ROWS = 20_000


def loans(spark: SparkSession, rows: int = ROWS, partitions: int = 2, **given: float) -> DataFrame:
    settings = {"features": 24, "default_rate": 0.09, "missing_share": 0.05, "seed": 7} | given
    return synthetic_loans.to_loans(spark.range(1, rows + 1, numPartitions=partitions), **settings)  # type: ignore[arg-type]


@pytest.fixture
def measured(spark: SparkSession) -> dict[str, float]:
    is_default = "int(loss > 0)"
    measures = {
        "default_rate": f"avg({is_default})",
        "missing_f3": "avg(int(isnull(f3)))",
        "missing_f5": "avg(int(isnull(f5)))",
        "missing_f1": "avg(int(isnull(f1)))",
        "same_block": "corr(f1, f2)",
        "other_block": "corr(f1, f21)",
        "signal": f"corr(f1, {is_default})",
        "informative_missing": f"corr(int(isnull(f3)), {is_default})",
        "harmless_missing": f"corr(int(isnull(f5)), {is_default})",
        "least_loss": "min(loss)",
        "most_loss": "max(loss)",
        "losses": "count(distinct loss)",
    }
    return loans(spark).selectExpr(*(f"{how} AS {name}" for name, how in measures.items())).collect()[0].asDict()


@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_the_same_seed_gives_the_same_table_on_any_number_of_partitions(spark: SparkSession, partitions: int) -> None:
    assert sorted(loans(spark, 300, partitions).collect()) == sorted(loans(spark, 300, 2).collect())


def test_a_loan_is_the_same_however_many_others_there_are(spark: SparkSession) -> None:
    assert loans(spark, 300).where("id = 9").collect() == loans(spark, 10).where("id = 9").collect()


def test_another_seed_gives_another_table(spark: SparkSession) -> None:
    assert loans(spark, 10, seed=1).collect() != loans(spark, 10, seed=2).collect()


def test_defaults_and_missing_values_hit_their_shares(measured: dict[str, float]) -> None:
    assert measured["default_rate"] == pytest.approx(0.09, abs=0.008)  # four standard errors
    assert measured["missing_f3"] == pytest.approx(0.05, abs=0.006)
    assert measured["missing_f5"] == pytest.approx(0.05, abs=0.006)
    assert measured["missing_f1"] == 0


@pytest.mark.parametrize("rate", [0.01, 0.5])
def test_the_default_rate_is_hit_at_both_ends(spark: SparkSession, rate: float) -> None:
    found = loans(spark, default_rate=rate).agg(F.avg(F.expr("int(loss > 0)"))).collect()[0][0]

    assert found == pytest.approx(rate, abs=4 * (rate * (1 - rate) / ROWS) ** 0.5)


def test_features_of_a_block_are_correlated_and_carry_the_risk(measured: dict[str, float]) -> None:
    assert measured["same_block"] > 0.2
    assert abs(measured["other_block"]) < 0.03
    assert measured["signal"] > 0.1


def test_that_a_value_is_missing_tells_of_risk_in_half_of_the_columns(measured: dict[str, float]) -> None:
    assert measured["informative_missing"] > 0.02
    assert abs(measured["harmless_missing"]) < 0.03


def test_loss_is_a_severity_from_0_to_100(measured: dict[str, float]) -> None:
    assert (measured["least_loss"], measured["most_loss"]) == (0, 100)
    assert measured["losses"] > 30


def test_no_value_is_missing_when_the_share_is_zero(spark: SparkSession) -> None:
    borrowers = to_borrowers(loans(spark, 100, missing_share=0.0), synthetic_loans.description("bank", 24))

    assert (
        borrower_checks.to_content(borrowers, synthetic_loans.description("bank", 24)).collect()[0]["missing_values"]
        == 0
    )


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_large_missing_share_is_hit_too(spark: SparkSession, share: float) -> None:
    found = loans(spark, missing_share=share).selectExpr("avg(int(isnull(f3)))", "avg(int(isnull(f5)))").collect()[0]

    assert list(found) == pytest.approx([share, share], abs=0.015)


@pytest.mark.parametrize("features", [5, 24, 45])
def test_a_synthetic_table_fits_its_description(spark: SparkSession, features: int) -> None:
    described = synthetic_loans.description("bank", features)
    made = loans(spark, 10, features=features)

    assert borrower_checks.schema_problems(made.schema, described) == []
    assert len(described.features) == features
    assert {kind for _, kind in made.drop("id", "loss").dtypes} == {"double", "int", "string"}
