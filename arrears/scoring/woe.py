"""Weight of evidence: what belonging to a bin says about default, as tables that were learnt from training rows.

The formulas are those of ``arrears.model.features.binning``. A feature's information value counts its missing and rare
rows too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrears.model.features.binning import BinnedCounts, Bins, information_value, number_bins, weights_of_evidence
from arrears.scoring.columns import by_level

Counts: TypeAlias = tuple[int, int]
"""Training rows of a bin: non-defaults and defaults."""

NOTHING: Counts = (0, 0)


@dataclass(frozen=True)
class EvidenceBin:
    """One line of a table: its training rows of each class, and its weight of evidence."""

    non_defaults: int
    defaults: int
    woe: float


@dataclass(frozen=True)
class EvidenceTable:
    """The weight of evidence of one feature.

    Attributes:
        column: the feature.
        bins: of a number, from the lowest to the highest. Of a category, from the lowest default rate to the highest.
        missing: rows without a value.
        other: rows of levels that were too rare to be listed. A level never seen in training counts as one of them.
        information_value: sum over all bins, ``missing`` and ``other`` too.
        edges: of a number, rising: bin i holds edge i-1 < value <= edge i.
        levels: of a category: the levels of each bin.
    """

    column: str
    bins: tuple[EvidenceBin, ...]
    missing: EvidenceBin
    other: EvidenceBin
    information_value: float
    edges: tuple[float, ...] = ()
    levels: tuple[tuple[str, ...], ...] = ()

    @property
    def output(self) -> str:
        """The name of the feature that the model sees."""
        return f"{self.column}_woe"

    def of_numbers(self, numbers: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """The weight of evidence of each number. NaN is a missing value."""
        woe = np.array([line.woe for line in (*self.bins, self.missing)])
        evidence: npt.NDArray[np.float64] = woe[number_bins(numbers.astype(np.float64, copy=False), self.edges)]
        return evidence

    def of_texts(self, texts: pa.Array) -> npt.NDArray[np.float64]:
        """The weight of evidence of each level. Null is a missing value."""
        of_level = {level: line.woe for line, levels in zip(self.bins, self.levels, strict=True) for level in levels}
        evidence = by_level(texts, of_level, unseen=self.other.woe)
        return np.where(texts.is_null().to_numpy(zero_copy_only=False), self.missing.woe, evidence)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> EvidenceTable:
        """Reads a table from plain lists and dicts."""
        return cls(
            column=content["column"],
            bins=tuple(EvidenceBin(**line) for line in content["bins"]),
            missing=EvidenceBin(**content["missing"]),
            other=EvidenceBin(**content["other"]),
            information_value=content["information_value"],
            edges=tuple(content["edges"]),
            levels=tuple(tuple(levels) for levels in content["levels"]),
        )


def evidence_table(
    column: str,
    bins: Sequence[Counts],
    *,
    edges: Sequence[float] = (),
    levels: Sequence[Sequence[str]] = (),
    missing: Counts = NOTHING,
    other: Counts = NOTHING,
) -> EvidenceTable:
    """The table of one feature from its counts, each (non-defaults, defaults)."""
    pairs = (*bins, other, missing)
    counts = BinnedCounts(Bins(column), tuple(map(sum, pairs)), tuple(d for _, d in pairs))
    lines = [EvidenceBin(*pair, woe) for pair, woe in zip(pairs, weights_of_evidence(counts), strict=True)]
    return EvidenceTable(
        column=column,
        bins=tuple(lines[:-2]),
        missing=lines[-1],
        other=lines[-2],
        information_value=information_value(counts),
        edges=tuple(edges),
        levels=tuple(map(tuple, levels)),
    )
