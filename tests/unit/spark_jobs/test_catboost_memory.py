"""The memory that a CatBoost task needs is told from its rows and features, and decides how many shards there are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.engines.catboost.memory import BASE_MB, MOST_SHARDS, TaskSize, shards_that_fit

MILLION = TaskSize(1_000_000, 0, numeric=100, categorical=0, depth=6)


def test_reading_takes_five_bytes_a_number_and_boosting_one() -> None:
    more_features = replace(MILLION, numeric=101).needed_mb() - MILLION.needed_mb()
    assert more_features == pytest.approx(5 * 1_000_000 / 2**20, abs=1)
    few = TaskSize(1_000_000, 0, numeric=1, categorical=0, depth=6)
    assert few.needed_mb() - BASE_MB == pytest.approx((1 + 24 + 170) * 1_000_000 / 2**20, abs=2)


@pytest.mark.parametrize(
    ("size", "measured_mb"),
    [
        (TaskSize(400_000, 0, numeric=50, categorical=0, depth=6), 28 + 78),
        (TaskSize(200_000, 0, numeric=200, categorical=0, depth=6), 48 + 90),
        (TaskSize(400_000, 0, numeric=50, categorical=5, depth=6), 32 + 14 + 164),
        (TaskSize(400_000, 0, numeric=50, categorical=0, depth=6, is_ordered=True), 28 + 152),
    ],
)
def test_the_estimate_is_not_below_what_a_training_was_seen_to_take(size: TaskSize, measured_mb: float) -> None:
    assert measured_mb <= size.needed_mb() - BASE_MB <= 2 * measured_mb


sizes = st.builds(
    TaskSize,
    rows=st.integers(1, 10**9),
    validation_rows=st.integers(0, 10**7),
    numeric=st.integers(0, 5000),
    categorical=st.integers(0, 200),
    depth=st.integers(1, 10),
    text=st.integers(0, 3),
    is_ordered=st.booleans(),
)


@given(sizes, st.integers(1, MOST_SHARDS - 1))
def test_more_shards_never_need_more_memory_each(size: TaskSize, shards: int) -> None:
    assert size.of_shards(shards + 1).needed_mb() <= size.of_shards(shards).needed_mb()


@given(sizes, st.integers(256, 64_000))
def test_shards_are_the_fewest_that_fit(size: TaskSize, memory_mb: int) -> None:
    shards = shards_that_fit(size, memory_mb)
    if shards is None:
        assert size.of_shards(MOST_SHARDS).needed_mb() > memory_mb
    else:
        assert size.of_shards(shards).needed_mb() <= memory_mb
        assert shards == 1 or size.of_shards(shards - 1).needed_mb() > memory_mb


def test_a_demo_is_one_exact_model_and_a_large_bank_is_shards() -> None:
    assert shards_that_fit(replace(MILLION, rows=10_000), 4096) == 1
    assert shards_that_fit(replace(MILLION, rows=8_000_000, validation_rows=2_000_000), 4096) > 1  # type: ignore[operator]
