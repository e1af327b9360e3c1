"""Which decisions turned out bad, as far as it is known on a date. Grain: one row per decision with a known label."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.banks import BankDescription, OutcomeColumn
from arrears.contracts.descriptions import LABEL


def to_labelled(
    decisions: DataFrame, history: DataFrame, bank: BankDescription, *, as_of: str, grace_days: int
) -> DataFrame:
    """Adds ``is_default`` to the decisions whose performance window has passed; younger decisions are left out.

    Where the decisions bring their outcome along (`OutcomeColumn`) there is no window: those with another value than
    the bad and good ones are left out. Otherwise a decision is bad when its loan was at least so many days past due in
    a month of the window, which begins after the decision and ends so many months later, and the bank knew of that
    month on the date.

    Args:
        history: the table of the label definition; its rows belong to a decision by the decisions' id.
        grace_days: days after the window's end until late months are taken to have arrived.
    """
    if isinstance(bank.label, OutcomeColumn):
        return _by_outcome(decisions, bank.label)
    contract, label = bank.tables[bank.label.table], bank.label
    event = F.col(contract.event_time or "")
    arrival = F.col(contract.arrived_on) if contract.arrived_on else F.date_add(event, contract.delay_days)
    is_arrears = (F.col(label.days_past_due) >= label.at_least) & (arrival <= F.lit(as_of).cast("date"))
    arrears = history.where(is_arrears).select(bank.id, event.cast("timestamp").alias("_arrears_at"))

    decided = F.col(bank.decided_at).cast("timestamp")
    ends = decided + F.expr(f"INTERVAL {label.window_months} MONTHS")
    is_known = F.date_add(ends.cast("date"), grace_days) <= F.lit(as_of).cast("date")
    mature = decisions.where(is_known)
    windows = mature.select(bank.id, decided.alias("_from"), ends.alias("_to"))
    bad = (
        windows.join(arrears, on=bank.id, how="inner")
        .where("_arrears_at > _from AND _arrears_at <= _to")
        .groupBy(bank.id)
        .agg(F.lit(1).alias(LABEL))
    )
    return mature.join(bad, on=bank.id, how="left").fillna(0, subset=[LABEL])


def _by_outcome(decisions: DataFrame, outcome: OutcomeColumn) -> DataFrame:
    known = decisions.where(F.col(outcome.column).isin(*outcome.bad, *outcome.good))
    return known.withColumn(LABEL, F.col(outcome.column).isin(*outcome.bad).cast("int"))
