"""Which decisions turned out bad, as far as it is known on a date. Grain: one row per decision with a known label."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.banks import BankDescription, OutcomeColumn
from arrears.contracts.tables.column_names import LABEL
from arrears.contracts.tables.knowledge import LabelKnowledge, row_knowledge
from spark_jobs.transforms.bank.knowledge_columns import (
    arrival_moment,
    decision_moment,
    end_of,
    event_moment,
    label_moment,
    window_end,
)


def to_labelled(
    decisions: DataFrame, history: DataFrame, bank: BankDescription, *, as_of: str, known: LabelKnowledge
) -> DataFrame:
    """Adds ``is_default`` to the decisions of which it is known by the end of the date. Others are left out.

    Where the decisions bring their outcome along (`OutcomeColumn`), those with another value than the bad and good ones
    are left out too. Otherwise a decision is bad when its loan was at least so many days past due in a row of the
    performance window: one that happened after the decision, and not after the window's end. A label that was given
    once stays, whatever arrives later, as long as no row takes longer than ``known`` says.

    Args:
        history: the table of the label definition. Its rows belong to a decision by the decisions' id.
        known: when a label is known: with the last row that can belong to the window.
    """
    is_known = label_moment(decisions, bank.decided_at, known) <= end_of(as_of)
    mature = decisions.where(is_known) if known else decisions
    if isinstance(bank.label, OutcomeColumn):
        return _by_outcome(mature, bank.label)
    label, rows = bank.label, row_knowledge(bank.tables[bank.label.table])
    arrival = arrival_moment(history, rows)
    arrived = history if arrival is None else history.where(arrival <= end_of(as_of))
    in_arrears = arrived.where(F.col(label.days_past_due) >= label.at_least)
    arrears = in_arrears.select(bank.id, event_moment(arrived, rows).alias("_arrears_at"))
    windows = mature.select(
        bank.id,
        decision_moment(mature, bank.decided_at).alias("_from"),
        window_end(mature, bank.decided_at, months=label.window_months).alias("_to"),
    )
    bad = (
        windows.join(arrears, on=bank.id, how="inner")
        .where("_arrears_at > _from AND _arrears_at <= _to")
        .groupBy(bank.id)
        .agg(F.lit(1).alias(LABEL))
    )
    return mature.join(bad, on=bank.id, how="left").fillna(0, subset=[LABEL])


def _by_outcome(decisions: DataFrame, outcome: OutcomeColumn) -> DataFrame:
    decided = decisions.where(F.col(outcome.column).isin(*outcome.bad, *outcome.good))
    return decided.withColumn(LABEL, F.col(outcome.column).isin(*outcome.bad).cast("int"))
