"""Counting features on the cluster: the actions that turn rows into bins, counts, and the power of each feature alone.

Transforms are lazy and launch nothing: this module runs them. The driver holds a few counts a bin, never rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.model.features.binning import BinnedCounts, Bins, FeaturePower, Ints
from arrears.model.features.information_value import feature_power
from spark_jobs.transforms.features.binned_counts import to_bin_counts, to_bins
from spark_jobs.transforms.ids import hash_of


def feature_powers(
    rows: DataFrame,
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    label: str,
    key: str,
    seed: int,
    bins: int = 20,
) -> list[FeaturePower]:
    """How well each feature alone tells defaulters apart.

    Takes two passes over the rows, whatever the number of features.

    Args:
        rows: one row a borrower. Rows whose label is neither 0 nor 1 are left out.
        key: column that identifies a row. It decides which half of the rows a row belongs to.
        bins: how many a number has. A category has its 50 commonest levels and one bin for all others.

    Returns:
        One entry a feature, numeric first, in the given order.
    """
    feature_bins = bins_of(rows, numeric=numeric, categorical=categorical, key=key, seed=seed, bins=bins)
    segment = outcome(label) + 2 * half(key, seed)
    return [
        feature_power(*(counts_of(b, cells[:, s : s + 2]) for s in (0, 2)))
        for b, cells in zip(feature_bins, segment_counts(rows, feature_bins, segment=segment, segments=4), strict=True)
    ]


def bins_of(
    rows: DataFrame, *, numeric: Sequence[str], categorical: Sequence[str], key: str, seed: int, bins: int
) -> list[Bins]:
    """The bins of each feature, numeric first, in the given order. Reads a sample of at most 100,000 rows."""
    bin_rows = to_bins(rows, numeric=numeric, categorical=categorical, key=key, seed=seed, bins=bins).collect()
    by_name = {row["name"]: row for row in bin_rows}
    return [
        *(Bins(name, tuple(by_name[name]["edges"]) if name in by_name else ()) for name in numeric),
        *(Bins(name, levels=tuple(by_name[name]["levels"]) if name in by_name else ()) for name in categorical),
    ]


def segment_counts(rows: DataFrame, bins: Sequence[Bins], *, segment: Column, segments: int) -> list[Ints]:
    """Rows by bin and segment, one array (bins, segments) a feature. Takes one pass over the rows."""
    cells = [np.zeros((b.size, segments), np.int64) for b in bins]
    for feature, number, place, count in to_bin_counts(rows, bins, segment=segment, segments=segments).collect():
        cells[feature][number, place] = count
    return cells


def counts_of(bins: Bins, cells: Ints) -> BinnedCounts:
    """The counts of one feature from its cells: two segments are non-defaulters and defaulters, one has no label."""
    rows = tuple(int(count) for count in cells.sum(axis=1))
    return BinnedCounts(bins, rows, tuple(int(count) for count in cells[:, 1]) if cells.shape[1] > 1 else None)


def outcome(label: str) -> Column:
    """The label where it is 0 or 1, else null."""
    return F.when(F.col(f"`{label}`").isin(0, 1), F.col(f"`{label}`").cast("int"))


def half(key: str, seed: int) -> Column:
    """Which half of the rows a row belongs to, 0 or 1, by a hash of its key."""
    return F.pmod(hash_of(seed, "half", key), F.lit(2)).cast("int")
