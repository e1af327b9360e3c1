"""What happened in the months before a moment: the aggregates behind a window view. Grain: one row per group.

A window of n months holds the events in (moment - n months, moment]. Everything is a count, a maximum or a sum of whole
numbers (days, and amounts in ten-thousandths): such sums do not depend on the order in which a cluster adds them up, so
the same tables give the same training set to the last bit, and Spark aggregates them by hashing, without a sort.

An amount is summed as two whole numbers, its upper and its lower 32 bits. Neither sum leaves 64 bits before a million
rows of the largest amounts (`LARGEST_AMOUNT`, a rule of a bank's contracts) meet in one window.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from arrears.contracts.tables.features import WindowFeature, WindowView

DAYS_A_MONTH = 30.4375  # 365.25 / 12
AMOUNT_STEPS = 10_000
_HALF_BITS = 32
_LOWER_HALF = (1 << _HALF_BITS) - 1
_MICROS_A_DAY = 86_400_000_000


def window_starts(view: WindowView, *, moment: str) -> list[Column]:
    """Where each window begins, as columns ``_start_<n>``: computed once a decision, not once a row of history."""
    return [(F.col(moment) - F.expr(f"INTERVAL {n} MONTHS")).alias(f"_start_{n}") for n in view.months]


def window_features(view: WindowView, *, event: str, moment: str) -> list[Column]:
    """The view's features as aggregates over rows whose event is in the longest window, in the view's order.

    * ``days_since_last_event``: whole days from the newest event to the moment.
    * ``months_since_arrears``: whole days from the newest event in arrears, in months of 30.4375 days, missing
      without any.
    * ``<amount>_trend_<n>m``: slope of the least-squares line of the amount over days, per month of 30.4375 days.
      Missing where fewer than two different days have an amount.

    Sums, means, maxima and trends leave missing amounts out. The rows need the columns of `window_starts`.
    """
    days_ago = F.expr(f"(unix_micros({moment}) - unix_micros({event})) div {_MICROS_A_DAY}L")
    return [_value(feature, view, event, days_ago).alias(feature.name) for feature in view.computed]


def _value(feature: WindowFeature, view: WindowView, event: str, days_ago: Column) -> Column:
    is_longest = feature.months in (0, max(view.months))
    is_inside = None if is_longest else F.col(event) > F.col(f"_start_{feature.months}")
    if feature.kind == "last_event":
        return F.min(days_ago).cast("int")
    if feature.kind == "events":
        return F.count(F.lit(1)) if is_inside is None else F.count_if(is_inside)
    if feature.amount:
        return _of_amount(feature, is_inside, days_ago)
    late = F.col(view.days_past_due or "")
    if feature.kind == "last_arrears":
        return F.min(F.when(late > 0, days_ago)) / F.lit(DAYS_A_MONTH)
    if feature.kind == "worst_arrears":
        return F.max(_inside(late, is_inside))
    return F.count_if(_inside(late > 0, is_inside))


def _of_amount(feature: WindowFeature, is_inside: Column | None, days_ago: Column) -> Column:
    steps = F.round(F.col(feature.amount).cast("double") * F.lit(float(AMOUNT_STEPS))).cast("bigint")
    value = _inside(steps, is_inside)
    count, total = F.count(value), _sum(value)
    if feature.kind == "sum":
        return total / F.lit(float(AMOUNT_STEPS))
    if feature.kind == "mean":
        return total / F.lit(float(AMOUNT_STEPS)) / count
    if feature.kind == "max":
        return F.max(value) / F.lit(float(AMOUNT_STEPS))
    # Time runs forwards, so that a growing amount has a positive slope.
    day = F.when(value.isNotNull(), -days_ago)
    days = F.sum(day)
    above = count.cast("double") * _sum(value, times=day) - days.cast("double") * total
    below = count * F.sum(day * day) - days * days
    return F.when(below > 0, above / below * F.lit(DAYS_A_MONTH / AMOUNT_STEPS))


def _sum(value: Column, *, times: Column | None = None) -> Column:
    """The exact sum as a double, rounded once where it has more than 53 bits."""
    halves = F.shiftright(value, _HALF_BITS), value.bitwiseAND(F.lit(_LOWER_HALF))
    upper, lower = (F.sum(half if times is None else times * half).cast("double") for half in halves)
    return upper * F.lit(float(1 << _HALF_BITS)) + lower


def _inside(value: Column, is_inside: Column | None) -> Column:
    return value if is_inside is None else F.when(is_inside, value)
