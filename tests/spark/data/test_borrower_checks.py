from __future__ import annotations

import dataclasses

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from arrears.contracts.addresses import Table
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.outcome_rules import Spelling
from spark_jobs.schemas import FIXED_COLUMNS, differences, stored_name
from spark_jobs.transforms.borrowers import borrower_checks
from spark_jobs.transforms.borrowers.borrowers import to_borrowers, to_target_levels
from spark_jobs.transforms.borrowers.misfit_shapes import misfit_sentences, to_misfit_shapes
from tests.spark.loans import DESCRIPTION, a_loan, loans_of, many_loans


def content_problems(loans: DataFrame, description: DatasetDescription = DESCRIPTION, share: float = 0.3) -> list[str]:
    borrowers = to_borrowers(loans, description)
    content = borrower_checks.Content.of(borrower_checks.to_content(borrowers, description).collect()[0])
    return borrower_checks.content_problems(content, description, test_share=share)


def levels_of(loans: DataFrame, description: DatasetDescription) -> list[str]:
    return [row["level"] for row in to_target_levels(loans, description, at_most=11).collect()]


def described(**different: object) -> DatasetDescription:
    return dataclasses.replace(DESCRIPTION, **different)  # type: ignore[arg-type]


def test_valid_loans_have_no_problem(spark: SparkSession) -> None:
    loans = many_loans(spark, 20)

    assert borrower_checks.schema_problems(loans.schema, DESCRIPTION) == []
    assert borrower_checks.completed_description(DESCRIPTION, levels_of(loans, DESCRIPTION)) == (DESCRIPTION, [])
    assert content_problems(loans) == []


def test_every_difference_of_the_columns_is_named_at_once(spark: SparkSession) -> None:
    loans = loans_of(spark, schema="number double, income string, loss int, bad date, extra int")

    assert borrower_checks.schema_problems(loans.schema, DESCRIPTION) == [
        "column state (categorical) is missing",
        "column income is declared numeric but is string: it should be a number",
        "column bad is declared target but is date: it should be a number or text",
        "column number is declared id but is double: it should be whole numbers or text",
        "column extra has no role: declare it a feature, kept or excluded",
    ]


def test_an_excluded_column_may_be_absent(spark: SparkSession) -> None:
    assert borrower_checks.schema_problems(many_loans(spark, 1).drop("recovered").schema, DESCRIPTION) == []


def test_a_compared_target_must_be_a_number(spark: SparkSession) -> None:
    compared = described(target="grade", bad_when="> 0", good_when=None)
    loans = spark.createDataFrame([], "number bigint, income double, state string, loss int, grade string")

    assert borrower_checks.schema_problems(loans.schema, compared) == [
        "column grade is declared target but is string: it should be a number"
    ]


def test_a_description_without_features_is_refused(spark: SparkSession) -> None:
    bare = described(numeric=(), categorical=(), excluded=("recovered", "income", "state"))

    assert borrower_checks.schema_problems(many_loans(spark, 1).schema, bare) == [
        "there is no feature: declare numeric or categorical columns"
    ]


def test_an_empty_file_is_told_alone(spark: SparkSession) -> None:
    assert content_problems(loans_of(spark)) == ["the source holds no row"]


def test_missing_and_repeated_ids_and_missing_targets_are_counted_at_once(spark: SparkSession) -> None:
    good = [a_loan(number) for number in range(1, 20)]
    loans = loans_of(spark, *good, a_loan(None), a_loan(3), a_loan(4), a_loan(50, bad=None))

    assert content_problems(loans) == [
        "id number is missing in 1 rows",
        "id number is not unique: 2 rows repeat the id of another",
        "target bad is missing in 1 rows: mend them, or leave them out with unlabelled: leave_out",
    ]


def test_a_target_that_is_not_a_number_counts_as_missing(spark: SparkSession) -> None:
    compared = DatasetDescription(name="bank", target="loss", bad_when="> 0", numeric=("income",), kept=("loss",))
    rows = [(float(number), number % 3 * 1.0) for number in range(30)]
    loans = spark.createDataFrame([*rows, (1.0, None)], "income double, loss double")

    assert content_problems(loans, compared) == [
        "target loss is missing in 1 rows: mend them, or leave them out with unlabelled: leave_out"
    ]


@pytest.mark.parametrize(("bad", "missing"), [(0, "defaults"), (1, "non-defaults")])
def test_a_compared_target_with_one_class_is_refused(spark: SparkSession, bad: int, missing: str) -> None:
    compared = described(target="bad", bad_when="> 0", good_when=None)
    loans = loans_of(spark, *(a_loan(number, bad=bad) for number in range(1, 9)))

    assert content_problems(loans, compared) == [f"target bad has one class: no {missing} by '> 0'"]


def test_a_class_too_small_to_be_in_both_sets_is_refused(spark: SparkSession) -> None:
    loans = loans_of(spark, *(a_loan(number, bad=int(number == 1)) for number in range(1, 20)))

    assert content_problems(loans) == [
        "1 defaults are too few to hold out 0.3 of them: the training or the test set would have none"
    ]


SEVERAL = "bad_when and good_when may name several, and unlabelled: leave_out leaves the rest out"


@pytest.mark.parametrize(
    ("levels", "bad", "good", "completed", "told"),
    [
        (["0", "1"], "1", None, "0", []),
        (["1", "2"], "2", None, "1", []),
        (["good", "bad"], "bad", None, "good", []),
        (["0", "1", "2"], "1", None, "0", ["target bad must hold 1 (bad) or 0 (good) but also holds 2"]),
        (["1", "2"], "1", None, "0", ["target bad must hold 1 (bad) or 0 (good) but also holds 2"]),
        (["a", "b", "c"], "c", None, None, [f"target bad holds a, b, c: good_when must say which of them is the opposite of c; {SEVERAL}"]),  # noqa: E501
        (["1"], "1", None, "0", ["target bad has one class: every value is 1, and 1 means default"]),
        (["good"], "bad", "good", "good", ["target bad has one class: every value is good, and bad means default"]),
        (["a", "b", "c"], ("a", "b"), None, "c", []),
        (["a", "b", "> 0"], ("a", "b"), None, ("> 0",), []),
        (["a", "b", "c", "d"], ("a", "b"), ("c", "d"), ("c", "d"), []),
        (["a", "b"], ("a", "b"), None, None, ["target bad has one class: every value is a, b, and a, b means default"]),
        (["paid", "late"], "late", "good", "good", ["target bad must hold late (bad) or good (good) but also holds paid"]),  # noqa: E501
    ],
)  # fmt: skip
def test_the_target_s_levels_settle_which_is_good_or_are_refused(
    levels: list[str], bad: Spelling, good: Spelling | None, completed: Spelling | None, told: list[str]
) -> None:
    settled, problems = borrower_checks.completed_description(described(bad_when=bad, good_when=good), levels)

    assert (settled.good_when, problems) == (completed, told)


def test_a_target_with_many_values_is_refused_without_showing_them() -> None:
    _, (problem,) = borrower_checks.completed_description(DESCRIPTION, [f"secret{number}" for number in range(11)])

    assert "more than 10 values" in problem
    assert "secret" not in problem


@pytest.mark.parametrize(
    ("kind", "values"), [("int", [0, 1]), ("double", [0.0, 1.0]), ("boolean", [False, True]), ("string", ["0", "1"])]
)
def test_a_target_s_levels_have_the_same_names_in_every_type(
    spark: SparkSession, kind: str, values: list[object]
) -> None:
    loans = spark.createDataFrame([(value, 1.0) for value in values], f"bad {kind}, income double")
    plain = DatasetDescription(name="bank", target="bad", good_when="0", numeric=("income",))

    assert sorted(levels_of(loans, plain)) == ["0", "1"]
    assert sorted(row["is_default"] for row in to_borrowers(loans, plain).collect()) == [0, 1]


def test_values_between_two_comparisons_have_no_label_and_keep_what_they_say(spark: SparkSession) -> None:
    loans = spark.createDataFrame([(120.0, 1.0), (45.0, 1.0), (0.0, 1.0), (None, 1.0)], "dpd double, income double")
    plain = DatasetDescription(
        name="bank", target="dpd", bad_when=">= 90", good_when="< 30", numeric=("income",), unlabelled="leave_out"
    )

    found = to_borrowers(loans, plain).select("is_default", "_target_value").collect()

    assert sorted(map(tuple, found), key=str) == [(-1, "45"), (0, None), (1, None), (None, None)]


def test_left_out_rows_are_told_by_kind_and_values_that_no_row_has_by_name(spark: SparkSession) -> None:
    left_out = described(bad_when=("1", "7"), good_when="0", unlabelled="leave_out")
    loans = loans_of(spark, *(a_loan(n) for n in range(1, 9)), a_loan(9, bad=5), a_loan(10, bad=None))
    borrowers = to_borrowers(loans, left_out)
    content = borrower_checks.Content.of(borrower_checks.to_content(borrowers, left_out).collect()[0])

    assert borrower_checks.completed_description(left_out, ["0", "1", "5"]) == (left_out, [])
    assert borrower_checks.content_problems(content, left_out, test_share=0.3) == []
    assert borrower_checks.label_notes(content, left_out, ["0", "1", "5"]) == [
        "no row's bad is 7, which bad_when names",
        "left out of train and test for want of a label: 1 rows whose bad is neither bad nor good (5), and 1 rows"
        " without any",
    ]


def test_many_values_may_be_left_out_where_both_kinds_are_named() -> None:
    levels, both = [f"secret{n}" for n in range(10)] + ["a"], {"bad_when": ("a",), "unlabelled": "leave_out"}

    assert borrower_checks.completed_description(described(**both, good_when="b"), levels)[1] == []
    (problem,) = borrower_checks.completed_description(described(**both, good_when=None), levels)[1]
    assert "secret" not in problem


@pytest.mark.parametrize(
    ("bad", "told"), [(None, "gives none of 3 rows a label"), (0, "one class: no defaults by '1'")]
)
def test_what_is_left_must_hold_both_classes(spark: SparkSession, bad: int | None, told: str) -> None:
    loans = loans_of(spark, a_loan(1, bad=bad), a_loan(2, bad=bad), a_loan(3, bad=None))

    (problem,) = content_problems(loans, described(unlabelled="leave_out"))
    assert told in problem


def test_borrowers_have_the_pipeline_s_columns_and_no_excluded_one(spark: SparkSession) -> None:
    borrower = to_borrowers(many_loans(spark, 1), DESCRIPTION).drop("_row_digest").collect()[0].asDict()

    assert borrower == {"borrower_id": "1", "is_default": 0, "income": 100.0, "state": "TX", "loss": 0}


def test_small_and_decimal_numbers_become_types_that_every_engine_reads(spark: SparkSession) -> None:
    loans = spark.sql("SELECT 1 AS bad, tinyint(2) a, smallint(3) b, float(0.5) c, 1.25BD d, true e, 7L f, 1.0D g")
    described = DatasetDescription(
        name="bank", target="bad", numeric=("a", "b", "c", "d", "e", "f"), categorical=("g",)
    )

    borrowers = to_borrowers(loans, described).drop("_row_digest", "borrower_id", "is_default")

    assert [kind for _, kind in borrowers.dtypes] == ["int", "int", "double", "double", "int", "bigint", "string"]
    assert borrowers.collect()[0][:] == (2, 3, 0.5, 1.25, 1, 7, "1")


def test_content_counts_missing_values_of_features_alone(spark: SparkSession) -> None:
    loans = loans_of(spark, a_loan(1, income=None, loss=None), a_loan(2, state=None), a_loan(3, recovered=None))
    counted = borrower_checks.to_content(to_borrowers(loans, DESCRIPTION), DESCRIPTION).collect()[0]

    assert counted["missing_values"] == 2


def test_columns_no_map_or_list_can_break_the_checks(spark: SparkSession) -> None:
    loans = many_loans(spark, 8).selectExpr("*", "map('a', 1) AS extra", "array(1) AS more").drop("number")

    assert borrower_checks.schema_problems(loans.schema, DESCRIPTION) != []
    assert content_problems(loans) == []


def test_every_difference_of_two_schemas_is_listed() -> None:
    given = T.StructType([T.StructField("borrower_id", T.LongType()), T.StructField("more", T.StringType())])

    assert differences(given, FIXED_COLUMNS[Table.TRAIN]) == [
        "column is_default is missing",
        "column more is not expected",
        "column borrower_id is bigint, expected string",
    ]
    assert differences(FIXED_COLUMNS[Table.TRAIN], FIXED_COLUMNS[Table.TRAIN]) == []


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("default payment next month", "default_payment_next_month"),
        ("a.b", "a_b"),
        ("\ufeffid", "id"),
        (" rate (%) ", "rate_%_"),
        ("plain", "plain"),
    ],
)
def test_names_that_delta_refuses_are_stored_under_another(name: str, stored: str) -> None:
    assert stored_name(name) == stored


def test_what_is_not_as_declared_is_told_by_count_and_shape_and_never_by_value(spark: SparkSession) -> None:
    loans = spark.createDataFrame(
        [("12,50", 20241231, "1.5"), ("13,75", 20240101, "2"), ("7", None, None), (None, 20240102, None)],
        "income string, decided_on int, rate string",
    )
    declared = DatasetDescription("bank", "bad", numeric=("income", "rate"), dates=("decided_on",))

    found = borrower_checks.misfitting(loans.schema, declared)
    expected = {name: kind for name, (_, kind) in found.items()}
    told = misfit_sentences(
        to_misfit_shapes(loans, expected).collect(), {name: what for name, (what, _) in found.items()}, expected
    )

    assert told == {
        "income": "column income is declared numeric but is string: 2 of 3 values are no number, most of the shape"
        " `99,99`",
        "decided_on": "column decided_on is declared date but is int: 3 of 3 values are no date, most of the shape"
        " `99999999`",
        "rate": "column rate is declared numeric but is string: 0 of 2 values are no number: deliver it as one",
    }
