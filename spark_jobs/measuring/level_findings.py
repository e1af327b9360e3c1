"""Where a model is weak, and whom its cut-off treats differently: results by the levels of columns."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from pyspark.sql import DataFrame, Row
from pyspark.sql.types import NumericType

from arrears.contracts.tables.column_names import LABEL, SCORE
from arrears.model.features.binning import OTHER_LEVELS, Bins
from arrears.model.metrics.cutoffs import APPROVE_ALL
from arrears.model.metrics.fairness import LevelCounts, group_fairness
from arrears.model.metrics.findings import GroupFairness, SegmentResult
from spark_jobs.transforms.features.binned_counts import to_bins
from spark_jobs.transforms.features.levels import to_level_counts, to_level_rows
from spark_jobs.transforms.scores.score_counts import to_score_counts, with_counts_below
from spark_jobs.transforms.scores.score_ranks import rank_sums_of, to_rank_sums

QUARTERS = 4
LEAST_ROWS, LEAST_DEFAULTS = 100, 10  # an interval from fewer is too wide to tell a weak segment from chance
KEYS = ("column", "level")


def level_findings(
    rows: DataFrame,
    segment_by: Sequence[str],
    protected: Sequence[str],
    *,
    id: str,
    threshold: float | None,
    weight: str | None = None,
    bounds: Sequence[float] = (),
    seed: int = 42,
    least_rows: int = LEAST_ROWS,
    least_defaults: int = LEAST_DEFAULTS,
) -> tuple[tuple[SegmentResult, ...], tuple[GroupFairness, ...]]:
    """Measures the model on each level of columns, and the cut-off on each group of protected columns.

    A number is cut into quarters, a category into its 50 commonest levels and the others, both read off at most
    100,000 rows with the lowest hashes. Three passes over the rows, whatever the number of columns.

    Args:
        threshold: the cut-off. None: there is none, and fairness is not measured.
        rows: persisted rows with ``id``, ``default_probability``, ``is_default``, the weight and the columns.
        bounds: what ``scored_rows.score_bounds`` gave.
        least_rows, least_defaults: segments that hold fewer are put together under ``other levels``, where they are
            more than one.

    Returns:
        Segments, the weakest AUC first, and groups (see ``arrears.model.metrics.fairness.group_fairness``).
    """
    protected = () if threshold is None else protected
    columns = tuple(dict.fromkeys((*segment_by, *protected)))
    if not columns:
        return (), ()
    bins = {each.name: each for each in _bins(rows, columns, id=id, seed=seed)}
    level_rows = to_level_rows(rows, list(bins.values()), carry=(SCORE, LABEL))
    cutoff = APPROVE_ALL if threshold is None else threshold
    level_counts = to_level_counts(level_rows, score=SCORE, label=LABEL, threshold=cutoff).collect()
    counts = [LevelCounts(**row.asDict()) for row in level_counts]
    fairness = group_fairness([count for name in protected for count in counts if count.column == name])
    small: dict[str, list[str]] = defaultdict(list)
    for count in counts:
        if count.rows < least_rows or count.defaults < least_defaults:
            small[count.column].append(count.level)
    # One small level alone keeps its name: there is nothing to put it together with.
    pooled = {column: levels for column, levels in small.items() if len(levels) > 1}
    wanted = [bins[name] for name in segment_by]
    segments = _segments(rows, wanted, counts, pooled, weight=weight, bounds=bounds) if wanted else ()
    return segments, fairness


def _bins(rows: DataFrame, columns: Sequence[str], *, id: str, seed: int) -> list[Bins]:
    numeric = [name for name in columns if isinstance(rows.schema[name].dataType, NumericType)]
    categorical = [name for name in columns if name not in numeric]
    bin_rows = to_bins(rows, numeric=numeric, categorical=categorical, key=id, seed=seed, bins=QUARTERS)
    return [
        Bins(row.name, tuple(row.edges), None if row.levels is None else tuple(row.levels))
        for row in bin_rows.collect()
    ]


def _segments(
    rows: DataFrame,
    bins: Sequence[Bins],
    counts: Iterable[LevelCounts],
    pooled: dict[str, list[str]],
    *,
    weight: str | None,
    bounds: Sequence[float],
) -> tuple[SegmentResult, ...]:
    sizes: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for count in counts:
        level = OTHER_LEVELS if count.level in pooled.get(count.column, ()) else count.level
        size = sizes[count.column, level]
        size[0], size[1] = size[0] + count.rows, size[1] + count.defaults
    small = {each.name: pooled[each.name] for each in bins if each.name in pooled}
    level_rows = to_level_rows(rows, bins, carry=(SCORE, LABEL, *([weight] if weight else [])), pooled=small)
    ranked = with_counts_below(to_score_counts(level_rows, weight=weight, bounds=bounds, keys=KEYS), KEYS)
    rank_sums = to_rank_sums(ranked, KEYS).collect()
    results = (_segment(row, *sizes[row.column, row.level]) for row in rank_sums)
    return tuple(sorted(results, key=lambda one: (math.inf if one.auc is None else one.auc, one.column, one.level)))


def _segment(row: Row, rows: int, defaults: int) -> SegmentResult:
    weight = row.positives + row.negatives
    sums = rank_sums_of(row) if 0 < defaults < rows else None
    low, high = sums.auc_interval if sums else (None, None)
    return SegmentResult(
        column=row.column,
        level=row.level,
        rows=rows,
        defaults=defaults,
        default_rate=row.positives / weight,
        mean_score=row.score_sum / weight,
        auc=sums.auc if sums else None,
        auc_low=low,
        auc_high=high,
    )
