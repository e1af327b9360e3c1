"""Whether one table keeps its contract: all that one pass over the rows must count, and what the counts tell.

Grain of the input: one row per row of the table. Nothing here reads data. `spark_jobs.data.contract_check` runs it.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from arrears.contracts.tables.table_contracts import TableContract
from spark_jobs.transforms.bank.row_rules import BROKEN_RULES, RowRule, is_after, named, with_broken_rules

EXAMPLES = 5  # ids beside each broken rule: enough to find the cause in the source, too few to be an export
MOST_HOLES = 12  # missing periods that an error names: a year of months
_RULES_A_MARK = 62  # bits of a bigint that are safe from its sign


@dataclass(frozen=True)
class ContentCounts:
    """What one pass over a table counted.

    Attributes:
        broken: rows that break each rule, in the order of the rules.
        newest: day of the newest event that is not in the future.
        periods: first days of the months (or days) that have such an event, rising. Empty unless the contract has
            ``every``.
    """

    rows: int
    broken_rows: int
    broken: tuple[int, ...]
    newest: date | None
    periods: tuple[date, ...]

    @classmethod
    def of(cls, counted: Row) -> ContentCounts:
        """Reads the one row of `to_content_counts`."""
        broken, periods = tuple(counted["broken"] or ()), tuple(counted["periods"])
        return cls(counted["row_count"] or 0, counted["broken_rows"] or 0, broken, counted["newest"], periods)


def to_content_counts(rows: DataFrame, contract: TableContract, rules: Sequence[RowRule], as_of: date) -> DataFrame:
    """One row of counts, in a single pass over the table.

    A row's broken rules are the bits of one number. Counting rows by period and number takes one small hash table a
    task, half the time of an aggregate a rule. The few groups are then summed up rule by rule.
    """
    marks = [f"_mark_{number}" for number in range(-(-len(rules) // _RULES_A_MARK))]
    event, period = _event_day(contract, as_of), _period(contract, as_of)
    marked = rows.select(period.alias("_period"), event.alias("_event"), *_marks(rules, marks))
    groups = marked.groupBy("_period", *marks).agg(F.count(F.lit(1)).alias("_rows"), F.max("_event").alias("_newest"))
    broken = [_rows_where(_bit(marks, number)) for number in range(len(rules))]
    any_mark = reduce(operator.or_, (F.col(mark) != 0 for mark in marks), F.lit(False))
    return groups.agg(
        F.sum("_rows").alias("row_count"),
        _rows_where(any_mark).alias("broken_rows"),
        F.array(*broken).cast("array<bigint>").alias("broken"),
        F.max("_newest").alias("newest"),
        F.array_sort(F.collect_set("_period")).alias("periods"),
    )


def to_examples(rows: DataFrame, contract: TableContract, rules: Sequence[RowRule]) -> DataFrame:
    """The first few ids that break each rule: ``rule``, ``id``. Grain: one row per rule and example."""
    broken = with_broken_rules(rows, rules).select(F.explode(BROKEN_RULES).alias("rule"), id_text(contract).alias("id"))
    place = F.row_number().over(Window.partitionBy("rule").orderBy("id"))
    return broken.withColumn("_place", place).where(F.col("_place") <= EXAMPLES).select("rule", "id")


def table_problems(counts: ContentCounts, contract: TableContract, as_of: date) -> list[str]:
    """What is wrong with the table as a whole: its number of rows, its age, and months or days without any row."""
    problems = []
    if counts.rows < contract.fewest_rows:
        problems.append(f"holds {counts.rows:,} rows, fewer than {contract.fewest_rows:,}")
    if contract.most_rows is not None and counts.rows > contract.most_rows:
        problems.append(f"holds {counts.rows:,} rows, more than {contract.most_rows:,}")
    if contract.freshness_days is not None and counts.rows:
        oldest = as_of - timedelta(days=contract.freshness_days)
        if counts.newest is None or counts.newest < oldest:
            problems.append(f"its newest {contract.event_time} is {counts.newest or 'missing'}, before {oldest}")
    holes = _holes(counts.periods, contract)
    if holes:
        more = f" and {len(holes) - MOST_HOLES:,} more" if len(holes) > MOST_HOLES else ""
        problems.append(f"has no row for {', '.join(holes[:MOST_HOLES])}{more}: every {contract.every} must have some")
    return [f"table {contract.name}: {problem}" for problem in problems]


def _event_day(contract: TableContract, as_of: date) -> Column:
    if contract.event_time is None:
        return F.lit(None).cast("date")
    event = contract.column(contract.event_time)
    return F.when(~is_after(event, as_of), F.to_date(named(event.name)))


def _period(contract: TableContract, as_of: date) -> Column:
    if contract.every is None or contract.event_time is None:
        return F.lit(None).cast("date")
    day = _event_day(contract, as_of)
    return F.trunc(day, "month") if contract.every == "month" else day


def _marks(rules: Sequence[RowRule], names: Sequence[str]) -> list[Column]:
    marks = []
    for number, name in enumerate(names):
        part = rules[number * _RULES_A_MARK : (number + 1) * _RULES_A_MARK]
        bits = (F.when(rule.is_broken, 1 << bit).otherwise(0).cast("bigint") for bit, rule in enumerate(part))
        marks.append(reduce(operator.add, bits).alias(name))
    return marks


def _bit(marks: Sequence[str], rule: int) -> Column:
    mark, bit = divmod(rule, _RULES_A_MARK)
    return F.col(marks[mark]).bitwiseAND(F.lit(1 << bit).cast("bigint")) != 0


def _rows_where(condition: Column) -> Column:
    return F.sum(F.when(condition, F.col("_rows")).otherwise(0))


def id_text(contract: TableContract) -> Column:
    """A row's key as the text that errors name it by."""
    parts = (F.coalesce(named(name).cast("string"), F.lit("(missing)")) for name in contract.key)
    return F.concat_ws("/", *parts)


def _holes(periods: Sequence[date], contract: TableContract) -> list[str]:
    if not periods or contract.every is None:
        return []
    present, period, holes = set(periods), periods[0], []
    while period < periods[-1]:
        if period not in present:
            holes.append(f"{period:%Y-%m}" if contract.every == "month" else str(period))
        period = _following_month(period) if contract.every == "month" else period + timedelta(days=1)
    return holes


def _following_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
