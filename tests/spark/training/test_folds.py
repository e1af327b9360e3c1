"""Folds depend on seed, id, customer and time alone; each row is measured once and never learnt from by its judge."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import date, timedelta

import pandas as pd
import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from arrears.contracts.job_configs.experiments import FoldKind, Folds
from arrears.contracts.tables.knowledge import LabelKnowledge
from spark_jobs.transforms.training.folds import shards_behind, shards_of, stopping, to_fold_rows

ROWS = 601
CUSTOMERS = 170
FIRST = date(2024, 1, 1)
KINDS: tuple[FoldKind, ...] = ("stratified", "grouped", "expanding")


@pytest.fixture(scope="module")
def borrowers(spark_session: SparkSession) -> DataFrame:
    """Every seventh row defaults; customers have one to several rows, some rows have none; 90 uneven days."""
    records = [
        (
            f"b{n}",
            float(n),
            int(n % 7 == 0),
            None if n % 50 == 0 else f"c{n * n % CUSTOMERS}",
            FIRST + timedelta(n * n // 4500),
        )
        for n in range(ROWS)
    ]
    return spark_session.createDataFrame(
        records, "borrower_id string, income double, is_default int, customer string, decided_on date"
    )


def parted(borrowers: DataFrame, kind: FoldKind, *, number: int = 4, seed: int = 42) -> list[Row]:
    rows = to_fold_rows(
        borrowers,
        Folds(kind, number),
        features=("income",),
        validation_share=0.2,
        seed=seed,
        group="customer",
        event_time="decided_on",
    )
    return sorted(rows.collect(), key=lambda row: row["income"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_is_in_one_block_whatever_the_partitioning(borrowers: DataFrame, kind: FoldKind) -> None:
    rows = parted(borrowers, kind)
    assert [row["income"] for row in rows] == [float(n) for n in range(ROWS)]
    assert {row["shard"] for row in rows} == set(range(2 * Folds(kind, 4).blocks))
    assert parted(borrowers.repartition(7), kind) == rows
    assert parted(borrowers, kind, seed=7) != rows


@pytest.mark.parametrize("kind", ["stratified", "grouped"])
def test_both_classes_are_dealt_evenly(borrowers: DataFrame, kind: FoldKind) -> None:
    customers = {row["income"]: row["customer"] or row["borrower_id"] for row in borrowers.collect()}
    rows = parted(borrowers, kind)
    unit_of = {row["income"]: customers[row["income"]] if kind == "grouped" else str(row["income"]) for row in rows}
    worst: dict[str, int] = defaultdict(int)
    for row in rows:
        worst[unit_of[row["income"]]] |= row["is_default"]
    blocks = {unit_of[row["income"]]: row["shard"] // 2 for row in rows}
    for label in (0, 1):
        dealt = Counter(block for unit, block in blocks.items() if worst[unit] == label)
        assert max(dealt.values()) - min(dealt.values()) <= 1


def test_all_rows_of_a_customer_are_in_one_grouped_fold(borrowers: DataFrame) -> None:
    customers = {row["income"]: row["customer"] for row in borrowers.collect()}
    blocks = defaultdict(set)
    for row in parted(borrowers, "grouped"):
        if customers[row["income"]]:
            blocks[customers[row["income"]]].add(row["shard"])
    assert len(blocks) > 50
    assert {len(found) for found in blocks.values()} == {1}  # of the slice too


def test_expanding_blocks_follow_one_another_in_time_and_are_about_equal(borrowers: DataFrame) -> None:
    days = {row["income"]: row["decided_on"] for row in borrowers.collect()}
    blocks = defaultdict(list)
    for row in parted(borrowers, "expanding"):
        blocks[row["shard"] // 2].append(days[row["income"]])
    in_order = [blocks[block] for block in range(5)]
    assert all(max(earlier) < min(later) for earlier, later in itertools.pairwise(in_order))
    assert max(map(len, in_order)) < 1.2 * ROWS / 5


@pytest.mark.parametrize("kind", KINDS)
def test_each_blocks_stopping_slice_holds_the_share_and_no_customer_of_the_rest(
    borrowers: DataFrame, kind: FoldKind
) -> None:
    customers = {row["income"]: row["customer"] for row in borrowers.collect()}
    sides = defaultdict(set)
    sizes = Counter()
    for row in parted(borrowers, kind):
        sizes[row["shard"]] += 1
        if customers[row["income"]]:
            sides[row["shard"] // 2, customers[row["income"]]].add(row["shard"] % 2)
    assert {len(found) for found in sides.values()} == {1}
    for block in range(Folds(kind, 4).blocks):
        share = sizes[2 * block + 1] / (sizes[2 * block] + sizes[2 * block + 1])
        assert 0.12 < share < 0.3


@pytest.mark.parametrize(("months", "days"), [(0, 0), (0, 1), (0, 25), (1, 0), (1, 10)])
def test_a_fold_in_time_learns_from_all_decisions_whose_outcome_was_known_when_it_began(
    borrowers: DataFrame, months: int, days: int
) -> None:
    folds = Folds("expanding", 4)
    rows = to_fold_rows(
        borrowers.repartition(3),
        folds,
        features=("income", "decided_on"),
        validation_share=0.2,
        seed=42,
        event_time="decided_on",
        known=LabelKnowledge(months, days),
    ).collect()
    decided = defaultdict(list)
    for row in rows:
        decided[row["shard"]].append(row["decided_on"])
    by_block = {
        block: [day for shard in shards_of(folds, block) for s in (shard, stopping(shard)) for day in decided[s]]
        for block in range(folds.blocks)
    }
    assert sum(map(len, by_block.values())) == len(rows) == ROWS
    counts = []
    for block in folds.measured:
        begins = min(by_block[block])
        known = [
            row["decided_on"]
            for row in rows
            if row["decided_on"] < begins and after(row["decided_on"], months, days) <= begins
        ]
        behind = [s for shard in shards_behind(folds, block) for s in (shard, stopping(shard))]
        assert sorted(day for shard in behind for day in decided[shard]) == sorted(known)
        counts.append(len(known))
    if months == 0 and days <= 1:
        assert counts == [sum(len(by_block[number]) for number in range(block)) for block in folds.measured]
    else:
        assert counts[-1] < sum(len(by_block[number]) for number in range(folds.blocks - 1))


def after(day: date, months: int, days: int) -> date:
    """So many months and days later; of a shorter month its last day."""
    return (pd.Timestamp(day) + pd.DateOffset(months=months, days=days)).date()


def test_expanding_folds_learn_from_earlier_blocks_alone_and_others_from_all_but_their_own() -> None:
    expanding, dealt = Folds("expanding", 3), Folds("grouped", 3)
    assert [(block, expanding.trained_on(block)) for block in expanding.measured] == [
        (1, (0,)),
        (2, (0, 1)),
        (3, (0, 1, 2)),
    ]
    assert [(block, dealt.trained_on(block)) for block in dealt.measured] == [(0, (1, 2)), (1, (0, 2)), (2, (0, 1))]
