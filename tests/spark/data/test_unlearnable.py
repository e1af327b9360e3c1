from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.metrics.explanations import Dependence
from arrears.reports.exploration_page import render_exploration_page
from arrears.reports.model_figures import dependence_plot
from spark_jobs.data.explored_rows import explore
from spark_jobs.data.leak_check import checked_for_leaks
from spark_jobs.data.unlearnable import refuse_unlearnable, unlearnable

ROWS = 60


def a_config(**given: Any) -> TrainModelConfig:
    return TrainModelConfig(dataset="bank", dataset_version="v1", **given)


def rows_of(spark: SparkSession, **columns: Any) -> DataFrame:
    """Rows with these columns beside id and label; every third borrower defaults."""
    given = {"borrower_id": [f"b{n}" for n in range(ROWS)], "is_default": [int(n % 3 == 0) for n in range(ROWS)]}
    frame = pd.DataFrame(given | columns)
    kinds = {"object": "string", "float64": "double", "int64": "int"}
    schema = ", ".join(f"`{name}` {kinds[str(kind)]}" for name, kind in frame.dtypes.items())
    return spark.createDataFrame(frame.astype(object).where(frame.notna(), None).values.tolist(), schema)


def described(numeric: tuple[str, ...] = (), categorical: tuple[str, ...] = (), **more: Any) -> DatasetDescription:
    return DatasetDescription("bank", "bad", numeric=numeric, categorical=categorical, **more)


def test_features_that_all_hold_one_value_are_refused_in_one_sentence(spark: SparkSession) -> None:
    rows = rows_of(spark, branch=[7.0] * ROWS, currency=["EUR"] * ROWS, nothing=[None] * ROWS)

    with pytest.raises(BadInput) as refused:
        checked_for_leaks(rows, None, a_config(), described(("branch",), ("currency", "nothing")))

    assert refused.value.problems == (
        "branch, currency, nothing hold one value each, or none: there is nothing to learn from",
    )


def test_single_features_beside_others_are_told_and_no_obstacle(spark: SparkSession) -> None:
    rows = rows_of(spark, branch=[7.0] * ROWS, income=[float(n) for n in range(ROWS)], gap=[1.0, None] * (ROWS // 2))

    checked = checked_for_leaks(rows, None, a_config(), described(("branch", "income", "gap")))

    assert checked.single == ("branch",)
    assert checked.figures == {"features of one value": "branch"}


def test_every_reason_is_told_at_once_and_no_value_is_shown(spark: SparkSession) -> None:
    rows = rows_of(
        spark, limit=[sys.float_info.max, 100.0] * (ROWS // 2), notes=[f"word{n} other{n}" for n in range(ROWS)]
    )
    rows = rows.where("is_default = 0 OR borrower_id = 'b0'")

    found = unlearnable(rows, described(("limit",), text=("notes",)), slices=[0.2])

    assert found.problems == (
        "feature limit holds numbers beyond 3.4e+38 in 21 rows, such as no engine computes with: where they mean"
        " unlimited, write a missing value or a limit",
        "text feature notes repeats no two words in enough rows: there is nothing to learn from; leave it out",
        "the training set holds 1 defaults, and 2 are needed: one to learn from, one for each slice that is kept back",
    )


def test_infinite_numbers_are_values_like_others(spark: SparkSession) -> None:
    rows = rows_of(spark, debt=[math.inf, 1.0, -math.inf] * (ROWS // 3), endless=[math.inf] * ROWS)

    assert unlearnable(rows, described(("debt", "endless")), slices=[0.2]).single == ("endless",)
    with pytest.raises(BadInput, match="endless hold one value"):
        refuse_unlearnable(rows, described(("endless",)))


def test_texts_that_repeat_two_words_are_learnt_from(spark: SparkSession) -> None:
    rows = rows_of(spark, notes=[f"late payment {n}" for n in range(ROWS)])

    assert unlearnable(rows, described(text=("notes",)), slices=[0.2]).problems == ()


def test_the_largest_double_leaves_a_page_without_a_mean(spark: SparkSession) -> None:
    rows = rows_of(
        spark, limit=[sys.float_info.max, -sys.float_info.max, *map(float, range(ROWS - 2))], income=[1.0, 2.0] * 30
    )

    found = explore(rows, described(("limit", "income")), table="train", partition="v1", key="borrower_id", seed=1)

    json.dumps(found.to_dict(), allow_nan=False)
    limit, income = (feature.numbers for feature in found.features)
    assert limit is not None
    assert income is not None
    assert (limit.mean, limit.deviation) == (None, None)
    assert limit.quantiles[0.5] == 28.0
    assert income.mean == pytest.approx(1.5)
    assert "too large to tell" in render_exploration_page(found)


def test_a_plot_of_the_largest_doubles_and_of_infinity_can_be_drawn() -> None:
    values = (1.0, 2.0, sys.float_info.max, -sys.float_info.max, np.inf, None)

    assert dependence_plot([Dependence("limit", values, (0.1,) * 6)]).startswith(b"\x89PNG")
