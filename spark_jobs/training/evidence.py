"""Learns tables of weight of evidence: bins by sketches and OptBinning's solver, then exact counts of training rows.

The sketch only proposes where a number may be cut. Counts in those narrow bins are exact, so are the weights.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import LABEL
from arrears.model.features.binning import Bins
from arrears.model.features.monotone_bins import NARROW_BINS, counts_between, merged_sketch, monotone_cuts, narrow_edges
from arrears.scoring.columns import MISSING_LEVEL
from arrears.scoring.preparation import Preparation
from arrears.scoring.woe import NOTHING, Counts, EvidenceTable, evidence_table
from spark_jobs.data.feature_power import segment_counts
from spark_jobs.transforms.features.feature_statistics import to_levels
from spark_jobs.transforms.training.prepared_rows import to_prepared_numbers, to_sketches
from spark_jobs.transforms.training.training_rows import ROW_ORDER


@dataclass(frozen=True)
class LevelCounts:
    """One category's listed levels, and its rare and missing rows, each as (non-defaults, defaults)."""

    listed: Mapping[str, Counts]
    other: Counts
    missing: Counts

    @property
    def commonest(self) -> str:
        """The level of most rows. A tie goes to the first by name."""
        return min(self.listed, key=lambda level: (-sum(self.listed[level]), level), default=MISSING_LEVEL)

    def filled(self, level: str | None) -> LevelCounts:
        """The same with its missing rows counted under a level. None: as they are."""
        if level is None or not sum(self.missing):
            return self
        with_missing = _sum((self.listed.get(level, NOTHING), self.missing))
        return LevelCounts({**self.listed, level: with_missing}, self.other, NOTHING)


def level_counts(rows: DataFrame, categorical: Sequence[str], *, row_count: int) -> dict[str, LevelCounts]:
    """Counts the levels of every category in one pass. No more than 200 a category reach the driver."""
    if not categorical:
        return {}
    counts_by_feature: dict[str, dict[str, dict[str, Counts]]] = {name: defaultdict(dict) for name in categorical}
    for row in to_levels(rows, categorical, row_count=row_count).collect():
        counts_by_feature[row["feature"]][row["kind"]][row["level"]] = (row["non_defaults"], row["defaults"])
    return {
        name: LevelCounts(
            dict(sorted(kinds["level"].items())), _sum(kinds["other"].values()), _sum(kinds["missing"].values())
        )
        for name, kinds in counts_by_feature.items()
    }


def learnt_evidence(
    rows: DataFrame,
    preparation: Preparation,
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    levels: Mapping[str, LevelCounts],
) -> tuple[EvidenceTable, ...]:
    """Tables of every feature that a preparation leaves, numbers first, in the order in which the model sees them.

    Args:
        rows: training rows with their raw features, label and ``row_order``.
        levels: of each category, after missing values were filled.
    """
    numbers, categories = preparation.outputs(numeric, categorical)
    prepared = to_prepared_numbers(
        rows, preparation, numeric=numeric, categorical=categorical, features=numbers, carry=(LABEL, ROW_ORDER)
    )
    narrow = [Bins(name, edges) for name, edges in _narrow_edges(prepared, numbers).items()]
    cells = segment_counts(prepared, narrow, segment=F.col(LABEL), segments=2) if narrow else []
    tables = [
        number_evidence(bins, [(int(n), int(d)) for n, d in counted])
        for bins, counted in zip(narrow, cells, strict=True)
    ]
    return (*tables, *(category_evidence(name, levels[name]) for name in categories))


def number_evidence(narrow: Bins, counts: Sequence[Counts]) -> EvidenceTable:
    """The table of a number from exact counts in narrow bins, joined until the default rate is monotone.

    Args:
        counts: of each narrow bin, the missing values last.
    """
    *valued, missing = counts
    cuts = monotone_cuts(valued)
    edges = [narrow.edges[cut - 1] for cut in cuts]
    return evidence_table(narrow.name, counts_between(valued, cuts), edges=edges, missing=missing)


def category_evidence(column: str, levels: LevelCounts) -> EvidenceTable:
    """The table of a category: levels of like default rate share a bin, which holds 5 % of the rows if it can."""
    counts = levels.listed
    ranked = sorted(counts, key=lambda level: (counts[level][1] / sum(counts[level]), level))
    total, before = sum(map(sum, counts.values())), 0
    groups: dict[int, list[str]] = defaultdict(list)
    for level in ranked:
        groups[NARROW_BINS * before // total].append(level)
        before += sum(counts[level])
    narrow = list(groups.values())
    narrow_counts = [_sum(counts[level] for level in group) for group in narrow]
    cuts = monotone_cuts(narrow_counts, trend="ascending")
    ranges = itertools.pairwise([0, *cuts, len(narrow)])
    bins = [sorted(itertools.chain.from_iterable(narrow[first:end])) for first, end in ranges]
    return evidence_table(
        column, counts_between(narrow_counts, cuts), levels=bins, missing=levels.missing, other=levels.other
    )


def _narrow_edges(prepared: DataFrame, features: Sequence[str]) -> dict[str, tuple[float, ...]]:
    parts: dict[str, list[Row]] = {name: [] for name in features}
    for row in sorted(to_sketches(prepared, features, order=ROW_ORDER).collect(), key=lambda row: row["bucket"]):
        parts[row["feature"]].append(row)
    return {
        name: narrow_edges(merged_sketch(row.asDict() for row in sketch_rows)) for name, sketch_rows in parts.items()
    }


def _sum(pairs: Iterable[Counts]) -> Counts:
    counts = list(pairs)
    return sum(n for n, _ in counts), sum(d for _, d in counts)
