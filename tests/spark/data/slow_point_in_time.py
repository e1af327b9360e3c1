"""Point-in-time features the slow, obvious way: for each decision, look at every row."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from dateutil.relativedelta import relativedelta

from arrears.contracts.tables.features import ProfileView, WindowView
from spark_jobs.transforms.bank.point_in_time import Lookup

Row = dict[str, Any]


def moment_of(value: date | datetime, day: str = "start") -> datetime:
    """An instant in UTC; a date is its midnight, or the next one where its end is meant."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.combine(value, time(), UTC) + timedelta(days=day == "end")


def happened(row: Row, lookup: Lookup) -> datetime:
    return moment_of(row[lookup.knowledge.event_time], lookup.knowledge.day)


def slow_training_set(decisions: list[Row], lookups: list[tuple[Lookup, list[Row]]]) -> list[Row]:
    """Every decision with the features of every lookup, in the order given."""
    return [
        decision | {k: v for lookup, rows in lookups for k, v in features_of(decision, lookup, rows).items()}
        for decision in decisions
    ]


def features_of(decision: Row, lookup: Lookup, rows: list[Row]) -> Row:
    moment = moment_of(decision["decided_at"])
    known = [row for row in rows if is_known(row, moment, lookup) and same_entity(row, decision, lookup.view.entity)]
    if isinstance(lookup.view, ProfileView):
        return newest(known, moment, lookup, lookup.view)
    return in_windows(known, moment, lookup, lookup.view)


def same_entity(row: Row, decision: Row, entity: str) -> bool:
    return row[entity] is not None and row[entity] == decision[entity]


def is_known(row: Row, moment: datetime, lookup: Lookup) -> bool:
    known = lookup.knowledge
    if row[known.event_time] is None or happened(row, lookup) > moment:
        return False
    if known.arrived_on:
        return row[known.arrived_on] is not None and moment_of(row[known.arrived_on], "end") <= moment
    return happened(row, lookup) + timedelta(days=known.delay_days) <= moment


def newest(known: list[Row], moment: datetime, lookup: Lookup, view: ProfileView) -> Row:
    if view.max_age_days is not None:
        oldest = moment - timedelta(days=view.max_age_days)
        known = [row for row in known if happened(row, lookup) >= oldest]
    if not known:
        return dict.fromkeys(view.columns)

    def order(row: Row) -> tuple[Any, ...]:
        arrival = moment_of(row[lookup.knowledge.arrived_on]) if lookup.knowledge.arrived_on else 0
        return happened(row, lookup), arrival, *((row[c] is not None, row[c] or 0) for c in view.columns)

    best = max(known, key=order)
    return {column: best[column] for column in view.columns}


def in_windows(known: list[Row], moment: datetime, lookup: Lookup, view: WindowView) -> Row:
    def since(months: int) -> list[tuple[int, Row]]:
        start = moment - relativedelta(months=months)
        inside = [row for row in known if happened(row, lookup) > start]
        return [((moment - happened(row, lookup)) // timedelta(days=1), row) for row in inside]

    longest = since(max(view.months))
    late = [days for days, row in longest if (row[view.days_past_due] or 0) > 0]
    features: Row = {
        "days_since_last_event": min((days for days, _ in longest), default=None),
        "months_since_arrears": min(late) / 30.4375 if late else None,
    }
    for months in view.months:
        rows = since(months)
        due = [row[view.days_past_due] for _, row in rows if row[view.days_past_due] is not None]
        features[f"event_count_{months}m"] = len(rows)
        features[f"worst_days_past_due_{months}m"] = max(due, default=None)
        features[f"arrears_count_{months}m"] = sum(days > 0 for days in due)
        for amount in view.amounts:
            paid = [(-days, steps(row[amount])) for days, row in rows if row[amount] is not None]
            values = [value for _, value in paid]
            features[f"{amount}_sum_{months}m"] = sum(values) if values else None
            features[f"{amount}_mean_{months}m"] = sum(values) / len(values) if values else None
            features[f"{amount}_max_{months}m"] = max(values, default=None)
            features[f"{amount}_trend_{months}m"] = slope(paid)
    return features


def steps(amount: float) -> float:
    """The amount in whole ten-thousandths."""
    return float(Decimal(amount * 10_000).quantize(Decimal(1), ROUND_HALF_UP)) / 10_000


def slope(points: list[tuple[int, float]]) -> float | None:
    if len({day for day, _ in points}) < 2:
        return None
    days, values = zip(*points, strict=True)
    return float(np.polyfit(days, values, 1)[0]) * 30.4375
