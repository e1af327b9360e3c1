"""Features read from the feature store instead of the tables. Grain: one row per decision.

A build computes a view for one date, of every entity of which anything is known as that date begins, and lists no
other. A decision sees the newest build whose moment is not after its own, that build alone: an entity which it does not
list had nothing to tell then, whatever older builds say of it. So store and tables agree at the moment of a build.
Between two builds a decision sees what was known at the earlier one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.features import View, WindowView
from spark_jobs.transforms.bank.knowledge_columns import decision_moment

BUILT_FOR = "event_time"  # the moment of a build, in every stored row
_ID, _ENTITY, _DAY, _BUILD, _LISTED = "_id", "_entity", "_day", "_build", "_is_listed"


@dataclass(frozen=True)
class StoredLookup:
    """A view's table in the feature store.

    Attributes:
        rows: entity, moment of the build, and the view's features. One row per entity and build.
        builds: the dates that were built, whether or not an entity is listed for them.
    """

    view: View
    rows: DataFrame
    builds: Sequence[date]


def to_stored_features(decisions: DataFrame, lookup: StoredLookup, *, id: str, decided_at: str) -> DataFrame:
    """The view's features for every decision, each named by its ``id``.

    Of an entity that is not listed counts are 0 and other features missing, as from the tables. Before the first build
    nothing is known, not even that: all are missing.
    """
    view, spark = lookup.view, decisions.sparkSession
    newest = spark.createDataFrame(list(_days_and_builds(lookup.builds)), f"{_DAY} date, {_BUILD} date")
    decided = F.to_date(decision_moment(decisions, decided_at))
    # No build is younger than the last one. Spark's least() would take that for a decision without a date.
    day = F.when(decided.isNotNull(), F.least(decided, F.lit(max(lookup.builds, default=date.max))))
    moments = decisions.select(F.col(id).alias(_ID), F.col(view.entity).alias(_ENTITY), day.alias(_DAY))
    placed = moments.join(F.broadcast(newest), on=_DAY, how="left")
    entity, build = F.col(view.entity).alias(_ENTITY), F.to_date(BUILT_FOR).alias(_BUILD)
    stored = lookup.rows.select(entity, build, *view.feature_names, F.lit(True).alias(_LISTED))
    counts = view.counts if isinstance(view, WindowView) else ()
    nothing = F.col(_LISTED).isNull() & F.col(_BUILD).isNotNull()
    features = [
        F.when(nothing, 0).otherwise(F.col(name)).alias(name) if name in counts else F.col(name)
        for name in view.feature_names
    ]
    return placed.join(stored, on=[_ENTITY, _BUILD], how="left").select(F.col(_ID).alias(id), *features)


def _days_and_builds(builds: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Each day from the first build to the last, with the newest build by then."""
    rising = sorted(set(builds))
    for build, following in pairwise(rising):
        yield from ((build + timedelta(days=number), build) for number in range((following - build).days))
    yield from ((build, build) for build in rising[-1:])
