from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import types as T

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import GenerateDataConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.transforms.borrowers.column_roles import undescribed, with_every_role

SCHEMA = T.StructType(
    [
        T.StructField("bad", T.IntegerType()),
        T.StructField("income", T.DoubleType()),
        T.StructField("grade", T.StringType()),
        T.StructField("opened", T.DateType()),
        T.StructField("is_new", T.BooleanType()),
    ]
)


def completed(described: DatasetDescription | None = None, **given: Any) -> DatasetDescription:
    beside = {name: given.pop(name) for name in ("left_out", "of_folders") if name in given}
    config = GenerateDataConfig(as_of="2026-01-31", dataset="bank", target="bad", **given)
    return with_every_role(described or undescribed(config), SCHEMA, config, **beside)


def test_without_a_description_every_column_is_taken_by_its_type() -> None:
    described = completed(left_out=["tags"], of_folders=["month"])

    assert (described.numeric, described.categorical) == (("income", "is_new"), ("grade",))
    assert (described.dates, described.kept, described.excluded) == (("opened",), ("month",), ("tags",))
    assert described.rest == "refuse"


def test_the_rest_is_taken_as_it_is_where_the_description_says_so() -> None:
    described = completed(DatasetDescription("bank", "bad", categorical=("is_new",), rest="as_it_is"))

    assert (described.numeric, described.categorical) == (("income",), ("is_new", "grade"))


def test_the_rest_is_left_out_where_the_form_says_so() -> None:
    described = completed(DatasetDescription("bank", "bad", numeric=("income",), rest="as_it_is"), rest="leave_out")

    assert described.excluded == ("grade", "opened", "is_new")


def test_the_rest_stays_without_a_role_where_nobody_says_anything() -> None:
    declared = DatasetDescription("bank", "bad", numeric=("income",))

    assert completed(declared) == declared


def test_what_the_form_excludes_leaves_every_role() -> None:
    declared = DatasetDescription(
        "bank", "bad", numeric=("income", "is_new"), dates=("opened",), categorical=("grade",)
    )

    described = completed(declared, exclude=("income", "opened"))

    assert (described.numeric, described.dates, described.excluded) == (("is_new",), (), ("income", "opened"))


def test_what_cannot_be_excluded_is_told_at_once() -> None:
    with pytest.raises(BadConfiguration) as caught:
        completed(exclude=("incme", "bad", "colour"))

    assert caught.value.problems == (
        "exclude: the source has no column incme: did you mean `income`?",
        "exclude: the source has no column colour",
        "exclude: bad is the target",
    )
