"""Features as they were known at each decision. Grain: one row per decision, whatever the looked-up tables hold.

A row of a table is known at a moment when its event has happened by then and the bank had heard of it by then.
`spark_jobs.transforms.bank.knowledge_columns` says which instants these are.

See docs/adr/0011.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.features import ProfileView, View, WindowView
from arrears.contracts.tables.knowledge import RowKnowledge
from spark_jobs.transforms.bank.knowledge_columns import arrival_moment, decision_moment, event_moment, start_of
from spark_jobs.transforms.bank.stored_features import BUILT_FOR, StoredLookup, to_stored_features
from spark_jobs.transforms.bank.windows import window_features, window_starts

ID, ENTITY, MOMENT, EVENT, ARRIVAL = "_id", "_entity", "_moment", "_event", "_arrival"


@dataclass(frozen=True)
class Lookup:
    """One table to look features up in.

    Attributes:
        view: what to take of it, and by which column its rows belong to a decision.
        rows: the table.
        knowledge: when its rows happened and were known.
    """

    view: View
    rows: DataFrame
    knowledge: RowKnowledge


def training_set(
    decisions: DataFrame, lookups: Sequence[Lookup | StoredLookup], *, id: str, decided_at: str
) -> DataFrame:
    """Joins to each decision what was known of its customer at that moment. One row per decision, in all its columns.

    Each lookup, a table or a view's table in the feature store, is brought down to one row per decision before it is
    joined, so they never multiply each other. A decision without any known row keeps its place, with counts of 0 and
    other features missing.

    Args:
        decisions: ``id`` is unique and never null. ``decided_at`` is a date or timestamp.

    Raises:
        BadConfiguration: two lookups, or a lookup and the decisions, would give a column of the same name.
    """
    names = [*decisions.columns, *(name for lookup in lookups for name in lookup.view.feature_names)]
    doubled = sorted(name for name, times in Counter(names).items() if times > 1)
    if doubled:
        raise BadConfiguration(*(f"column {name} would stand in the training set twice" for name in doubled))
    complete = decisions
    for lookup in lookups:
        if isinstance(lookup, StoredLookup):
            stored = to_stored_features(decisions, lookup, id=id, decided_at=decided_at)
            complete = complete.join(stored, on=id, how="left")
            continue
        features = to_features(decisions, lookup, id=id, decided_at=decided_at)
        complete = complete.join(features.withColumnRenamed(ID, id), on=id, how="left")
        counts = lookup.view.counts if isinstance(lookup.view, WindowView) else ()
        complete = complete.fillna(0, subset=list(counts)) if counts else complete
    return complete


def to_features(decisions: DataFrame, lookup: Lookup, *, id: str, decided_at: str) -> DataFrame:
    """One view's features, one row for each decision of which anything is known. The decision's id is ``_id``."""
    moments = decisions.select(
        F.col(id).alias(ID),
        F.col(lookup.view.entity).alias(ENTITY),
        decision_moment(decisions, decided_at).alias(MOMENT),
    )
    timed = _with_starts(moments, lookup.view)
    return _view_features(lookup, lambda rows: rows.join(timed, on=ENTITY, how="inner"))


def to_features_on(lookup: Lookup, *, as_of: str) -> DataFrame:
    """One view's features at the beginning of one day, for every entity of which anything is known. Its id is ``_id``.

    The same as `to_features` for one decision of each entity on that day.
    """
    moment = start_of(as_of)
    return _view_features(
        lookup,
        lambda rows: _with_starts(
            rows.where(F.col(ENTITY).isNotNull()).withColumns({ID: F.col(ENTITY), MOMENT: moment}), lookup.view
        ),
    )


def to_build(lookup: Lookup, *, as_of: str) -> DataFrame:
    """One view's features of one day as the feature store keeps them: entity, moment of the build, features."""
    names = lookup.view.feature_names
    features = to_features_on(lookup, as_of=as_of)
    return features.select(F.col(ID).alias(lookup.view.entity), start_of(as_of).alias(BUILT_FOR), *names)


def _known_rows(lookup: Lookup) -> DataFrame:
    """The table's rows with entity, moment of the event and moment of knowledge in columns of their own."""
    view, event = lookup.view, event_moment(lookup.rows, lookup.knowledge)
    arrival = arrival_moment(lookup.rows, lookup.knowledge)
    used = view.columns if isinstance(view, ProfileView) else (*view.amounts, *filter(None, [view.days_past_due]))
    timed = [F.col(view.entity).alias(ENTITY), event.alias(EVENT)]
    # Without arrival of its own a row is known as soon as it happens: a second comparison would only cost time.
    if arrival is not None:
        timed.append(arrival.alias(ARRIVAL))
    return lookup.rows.select(*timed, *used)


def _is_known(rows: DataFrame) -> Column:
    happened = F.col(EVENT) <= F.col(MOMENT)
    return happened & (F.col(ARRIVAL) <= F.col(MOMENT)) if ARRIVAL in rows.columns else happened


def _with_starts(moments: DataFrame, view: View) -> DataFrame:
    return moments.select("*", *window_starts(view, moment=MOMENT)) if isinstance(view, WindowView) else moments


def _view_features(lookup: Lookup, at_moments: Callable[[DataFrame], DataFrame]) -> DataFrame:
    """The view's features. ``at_moments`` gives each known row the moments (and ids) for which it is looked at."""
    known_rows = _known_rows(lookup)
    if isinstance(lookup.view, WindowView):
        return _in_windows(at_moments(known_rows), lookup.view)
    return _newest(known_rows, at_moments, lookup.view)


def _in_windows(rows: DataFrame, view: WindowView) -> DataFrame:
    is_inside = F.col(EVENT) > F.col(f"_start_{max(view.months)}")
    in_window = rows.where(_is_known(rows) & is_inside)
    # Grouped by the entity too, by which a join has placed the rows already: no second shuffle.
    return in_window.groupBy(ENTITY, ID).agg(*window_features(view, event=EVENT, moment=MOMENT)).drop(ENTITY)


def _newest(known_rows: DataFrame, at_moments: Callable[[DataFrame], DataFrame], view: ProfileView) -> DataFrame:
    """The newest known row of each decision. Of equal event times the one that arrived last, then the greatest values.

    The time of the newest row is found first, on three narrow columns and by hashing alone. Only rows of that time are
    then compared as a whole, which needs a sort.
    """
    order = [ARRIVAL] if ARRIVAL in known_rows.columns else []
    times = at_moments(known_rows.select(ENTITY, EVENT, *order))
    in_time = _is_known(times)
    if view.max_age_days is not None:
        in_time &= F.col(EVENT) >= F.col(MOMENT) - F.expr(f"INTERVAL {view.max_age_days} DAYS")
    newest = times.where(in_time).groupBy(ENTITY, ID, MOMENT).agg(F.max(EVENT).alias(EVENT))
    tied = known_rows.join(newest, on=[ENTITY, EVENT], how="inner").where(_is_known(known_rows))
    winner = tied.groupBy(ID).agg(F.max(F.struct(*order, *view.columns)).alias("_newest"))
    return winner.select(ID, *(F.col(f"_newest.{name}").alias(name) for name in view.columns))
