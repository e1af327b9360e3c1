from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.transforms.borrowers.samples import draw_count, poisson_limits, to_new_borrowers
from tests.spark.loans import many_borrowers


def draw(held_out: DataFrame, **given: object) -> DataFrame:
    settings = {"as_of": "2026-01-31", "fraction": 0.1, "with_replacement": False, "seed": 42, "columns": ("income",)}
    return to_new_borrowers(held_out, **settings | given)  # type: ignore[arg-type]


def ids_of(sample: DataFrame) -> list[str]:
    return sorted(row["sample_id"] for row in sample.collect())


def test_exactly_a_tenth_is_drawn_without_replacement(spark: SparkSession) -> None:
    sample = draw(many_borrowers(spark, 1000))

    assert sample.count() == sample.select("borrower_id").distinct().count() == 100


@pytest.mark.parametrize("with_replacement", [False, True])
def test_neither_label_nor_kept_columns_survive(spark: SparkSession, with_replacement: bool) -> None:
    sample = draw(many_borrowers(spark, 100), columns=("income", "state"), with_replacement=with_replacement)

    assert sample.columns == ["sample_id", "borrower_id", "income", "state"]


@pytest.mark.parametrize("with_replacement", [False, True])
@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_a_day_draws_the_same_under_any_partitioning(
    spark: SparkSession, partitions: int, with_replacement: bool
) -> None:
    held_out = many_borrowers(spark, 400)
    spread = held_out.repartition(partitions, F.rand(partitions))

    assert ids_of(draw(spread, with_replacement=with_replacement)) == ids_of(
        draw(held_out.coalesce(1), with_replacement=with_replacement)
    )


def test_another_date_draws_other_borrowers(spark: SparkSession) -> None:
    held_out = many_borrowers(spark, 1000)
    days = [{row["borrower_id"] for row in draw(held_out, as_of=f"2026-01-{day}").collect()} for day in (30, 31)]

    assert len(days[0] & days[1]) < 30  # 10 expected of two independent tenths


def test_sample_ids_are_unique_when_borrowers_are_drawn_twice(spark: SparkSession) -> None:
    sample = draw(many_borrowers(spark, 1000), fraction=1.0, with_replacement=True)

    rows, ids, borrowers = (
        sample.agg(F.count("*"), F.count_distinct("sample_id"), F.count_distinct("borrower_id"))
    ).collect()[0]
    assert rows == ids
    assert 560 < borrowers < 700  # 1 - 1/e of 1,000
    assert 900 < rows < 1100


def test_a_sample_id_names_borrower_date_and_draw(spark: SparkSession) -> None:
    first = draw(many_borrowers(spark, 100)).collect()[0]

    assert first["sample_id"] == f"{first['borrower_id']}-2026-01-31-1"


def test_draw_counts_follow_the_poisson_distribution(spark: SparkSession) -> None:
    counts = dict(
        spark.range(20000).groupBy(draw_count(F.xxhash64("id"), 1.0).alias("draws")).count().orderBy("draws").collect()
    )

    assert counts[0] == pytest.approx(20000 * 0.3679, rel=0.03)
    assert counts[1] == pytest.approx(20000 * 0.3679, rel=0.03)
    assert counts[2] == pytest.approx(20000 * 0.1839, rel=0.05)


def test_poisson_limits_end_at_one() -> None:
    assert poisson_limits(1.0)[-1] == pytest.approx(1.0, abs=1e-15)
