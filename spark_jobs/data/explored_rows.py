"""Looking at a data set on the cluster: the actions behind an exploration's numbers.

Five passes over the rows, whatever the number of columns: bins (from a bounded sample), counts, moments, associations,
and the median date or the rows that are compared. The driver holds counts and sums, never rows.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.features.association import association_matrix, design_width
from arrears.model.features.binning import BinnedCounts, Bins, FeaturePower, Ints, joined, stability_index
from arrears.model.features.exploration import (
    Associations,
    Exploration,
    ExploredFeature,
    NumberSummary,
    histogram_edges,
)
from arrears.model.features.information_value import feature_power
from spark_jobs.data.feature_power import counts_of, half, outcome, segment_counts
from spark_jobs.transforms.features.association_sums import to_moments, to_products
from spark_jobs.transforms.features.binned_counts import QUANTILES, to_bins

MOST_ASSOCIATED = 30  # a heat map of more cannot be read
ASSOCIATED_LEVELS = 20  # of a category; the pairs of two categories with fifty levels would be mostly empty
_MEDIAN = QUANTILES.index(0.5)


@dataclass(frozen=True)
class Compared:
    """What the drift compares: other rows, or a part of the same rows, with a name for each side.

    Attributes:
        names: of what is earlier and what is later.
        earlier: the other rows. None: rows of the same data, those for which ``is_later`` is 0.
        is_later: 0 or 1 for every row. Null: the row is on neither side.
    """

    names: tuple[str, str]
    earlier: DataFrame | None = None
    is_later: Column | None = None


def explore(
    rows: DataFrame,
    description: DatasetDescription,
    *,
    table: str,
    partition: str,
    key: str,
    seed: int,
    bins: int = 10,
    compared: Compared | None = None,
) -> Exploration:
    """Summarises every feature of a data set: what values it has, what they tell about default, how it moved.

    Args:
        rows: one row a borrower. Target rates need ``is_default``, 0 or 1.
        key: column that identifies a row.
        bins: of a number. A category has its 50 commonest levels.
        compared: what the drift is measured between. None: no drift.
    """
    summaries = to_bins(
        rows, numeric=description.numeric, categorical=description.categorical, key=key, seed=seed, bins=bins
    )
    bin_rows = {row["name"]: row for row in summaries.collect()}
    feature_bins = [_bins_of(name, bin_rows.get(name)) for name in (*description.numeric, *description.categorical)]
    bars = [_bars_of(b, bin_rows.get(b.name)) for b in feature_bins]
    segmented = _Segmented.of(rows, [*feature_bins, *bars], key, seed, compared)
    whole = segmented.counts[0]
    exploration = Exploration(
        dataset=description.name,
        table=table,
        partition=partition,
        rows=sum(whole.rows),
        defaults=sum(whole.defaults) if whole.defaults is not None else None,
        sampled_rows=max((row["row_count"] for row in bin_rows.values()), default=0),
        features=_features(rows, description, segmented, _drifts(segmented, feature_bins, compared), bin_rows),
        associations=Associations((), ()),
        compared=compared.names if compared else None,
    )
    strongest = [feature.counts.bins for feature in exploration.by_information[:MOST_ASSOCIATED]]
    return dataclasses.replace(exploration, associations=_associations(rows, strongest, bin_rows))


def halves_by_date(rows: DataFrame, event_time: str) -> Compared | None:
    """The earlier half of the decisions against the later one, split at the median day. None: all are of one day."""
    day = F.col(f"`{event_time}`").cast("date")
    days = rows.select(F.unix_date(day).alias("day"))
    limits = days.agg(F.min("day"), F.percentile("day", 0.5), F.max("day")).collect()[0]
    if limits[0] is None or limits[0] == limits[2]:
        return None
    # Half or more of the decisions may be of the first day: it alone is the earlier half then.
    first_later = max(math.floor(limits[1]), limits[0] + 1)
    texts = [str(np.datetime64(number, "D")) for number in (limits[0], first_later - 1, first_later, limits[2])]
    names = (f"{event_time} {texts[0]} to {texts[1]}", f"{event_time} {texts[2]} to {texts[3]}")
    return Compared(names, is_later=(F.unix_date(day) >= F.lit(first_later)).cast("int"))


@dataclass(frozen=True)
class _Segmented:
    """Counts of all rows, the power of each feature, and the counts of the earlier and of the later rows."""

    counts: list[BinnedCounts]
    powers: list[FeaturePower]
    sides: tuple[list[BinnedCounts], list[BinnedCounts]] | None

    @classmethod
    def of(cls, rows: DataFrame, bins: Sequence[Bins], key: str, seed: int, compared: Compared | None) -> _Segmented:
        """Counts by outcome, by half and by date in one pass."""
        labelled = LABEL in rows.columns
        later = compared.is_later if compared is not None else None
        base = outcome(LABEL) + 2 * half(key, seed) if labelled else F.lit(0)
        width = 4 if labelled else 1
        # A row without a date is in neither half but in all other numbers.
        side = F.lit(0) if later is None else F.coalesce(later, F.lit(2))
        segments = width * (1 if later is None else 3)
        cells = segment_counts(rows, bins, segment=base + width * side, segments=segments)
        by_side = [[c[:, place : place + width] for c in cells] for place in range(0, segments, width)]
        whole = [_summed(c, width) for c in cells]
        sides = None if later is None else (_counts(bins, by_side[0]), _counts(bins, by_side[1]))
        if not labelled:
            return cls(_counts(bins, whole), [], sides)
        halves = [(counts_of(b, c[:, :2]), counts_of(b, c[:, 2:])) for b, c in zip(bins, whole, strict=True)]
        return cls([joined(*pair) for pair in halves], [feature_power(*pair) for pair in halves], sides)


def _summed(cells: Ints, width: int) -> Ints:
    summed: Ints = cells.reshape(len(cells), -1, width).sum(axis=1)
    return summed


def _counts(bins: Sequence[Bins], cells: Sequence[Ints]) -> list[BinnedCounts]:
    """Counts without regard to the outcome."""
    return [counts_of(b, c.sum(axis=1, keepdims=True)) for b, c in zip(bins, cells, strict=True)]


def _bins_of(name: str, row: Row | None) -> Bins:
    if row is None:
        return Bins(name)
    return Bins(name, tuple(row["edges"]), None if row["levels"] is None else tuple(row["levels"]))


def _bars_of(bins: Bins, row: Row | None) -> Bins:
    if row is None or not row["quantiles"]:
        return bins
    return Bins(bins.name, histogram_edges(row["quantiles"], bins.edges, row["distinct_count"]))


def _features(
    rows: DataFrame,
    description: DatasetDescription,
    segmented: _Segmented,
    drifts: Mapping[str, float],
    bin_rows: Mapping[str, Row],
) -> tuple[ExploredFeature, ...]:
    summaries = _summaries(rows, description.numeric, bin_rows)
    meanings = {line.name: line.full_meaning for line in description.catalogue}
    number = len(description.numeric) + len(description.categorical)
    binned, bars = segmented.counts[:number], segmented.counts[number:]
    return tuple(
        ExploredFeature(
            counts=counts,
            histogram=counts if bar.bins == counts.bins else bar,
            distinct_count=bin_rows[counts.name]["distinct_count"] if counts.name in bin_rows else 0,
            numbers=summaries.get(counts.name),
            power=segmented.powers[place] if segmented.powers else None,
            drift=drifts.get(counts.name),
            meaning=meanings.get(counts.name, ""),
        )
        for place, (counts, bar) in enumerate(zip(binned, bars, strict=True))
    )


def _drifts(segmented: _Segmented, bins: Sequence[Bins], compared: Compared | None) -> dict[str, float]:
    if compared is None:
        return {}
    if compared.earlier is not None:
        cells = segment_counts(compared.earlier, bins, segment=F.lit(0), segments=1)
        before, after = [counts_of(b, c) for b, c in zip(bins, cells, strict=True)], segmented.counts
    elif segmented.sides is not None:
        before, after = segmented.sides
    else:
        return {}
    pairs = zip(before[: len(bins)], after[: len(bins)], strict=True)
    return {old.name: stability_index(old, new) for old, new in pairs}


def _centres(numeric: Sequence[str], bin_rows: Mapping[str, Row]) -> list[float]:
    middles = [
        bin_rows[n]["quantiles"][_MEDIAN] if n in bin_rows and bin_rows[n]["quantiles"] else 0.0 for n in numeric
    ]
    return [middle if math.isfinite(middle) else 0.0 for middle in middles]


def _summaries(rows: DataFrame, numeric: Sequence[str], bin_rows: Mapping[str, Row]) -> dict[str, NumberSummary]:
    if not numeric:
        return {}
    centres = _centres(numeric, bin_rows)
    summed = [row for row in to_moments(rows, numeric, centres).collect() if row["row_count"]]
    return {
        numeric[row["feature"]]: _summary(row, centres[row["feature"]], bin_rows[numeric[row["feature"]]])
        for row in summed
    }


def _summary(sums: Row, centre: float, bin_row: Row) -> NumberSummary:
    count, total, squares = sums["row_count"], sums["total"], sums["squares"]
    spread = squares - total * total / count
    # Where squares are too large to be summed up, a sum has lost what smaller values add to it.
    is_told = math.isfinite(spread)
    shares = zip(QUANTILES, bin_row["quantiles"], strict=False)
    return NumberSummary(
        mean=centre + total / count if is_told else None,
        deviation=math.sqrt(max(0.0, spread) / max(count - 1, 1)) if is_told else None,
        minimum=sums["minimum"],
        maximum=sums["maximum"],
        quantiles={share: value for share, value in shares if math.isfinite(value)},
    )


def _associations(rows: DataFrame, features: Sequence[Bins], bin_rows: Mapping[str, Row]) -> Associations:
    numeric = [bins.name for bins in features if bins.levels is None]
    categorical = [Bins(b.name, levels=b.levels[:ASSOCIATED_LEVELS]) for b in features if b.levels is not None]
    sizes = [bins.size for bins in categorical]
    products = np.zeros((design_width(len(numeric), sizes),) * 2)
    for row in to_products(rows, numeric, _centres(numeric, bin_rows), categorical).collect():
        products[row["place"]] = row["products"]
    strengths = association_matrix(products, len(numeric), sizes)
    names = [*numeric, *(bins.name for bins in categorical)]
    order = [names.index(bins.name) for bins in features]
    return Associations(
        tuple(names[place] for place in order),
        tuple(tuple(float(strength) for strength in row) for row in strengths[np.ix_(order, order)]),
    )
