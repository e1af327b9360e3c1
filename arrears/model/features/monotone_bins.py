"""Cuts a feature into few bins whose default rate only rises, or only falls, with the highest information value.

OptBinning does both halves: its quantile sketch (Greenwald and Khanna, 2001), filled piece by piece and merged,
proposes narrow bins. Its solver (Navas-Palencia, 2020) joins neighbours. It is slow to import, so it is imported
where bins are fitted and nowhere else.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

SKETCH_ERROR = 0.002  # of the rows; a narrow bin holds 5 % of them
NARROW_BINS = 20
SMALLEST_SHARE = 0.05  # of the known rows, in a final bin

Trend = Literal["auto_asc_desc", "ascending", "descending"]


def new_sketch() -> Any:
    """An empty quantile sketch. Numbers enter by ``add``."""
    with _quiet():
        from optbinning.binning.distributed.gk import GK  # type: ignore[import-untyped]

        return GK(SKETCH_ERROR)


def sketch_parts(sketch: Any) -> dict[str, Any]:
    """A sketch as plain numbers, to travel from a task to the driver without a pickle."""
    sketch.merge_compress()
    entries = {part: [float(getattr(entry, part)) for entry in sketch.entries] for part in ("value", "g", "delta")}
    return {"row_count": sketch.n, "minimum": float(sketch._min), "maximum": float(sketch._max), **entries}


def merged_sketch(parts: Iterable[Mapping[str, Any]]) -> Any:
    """One sketch from what ``sketch_parts`` gave. Their order is part of the result."""
    merged = new_sketch()
    for part in parts:
        merged.merge(_sketch_of(part))
    return merged


def narrow_edges(sketch: Any) -> tuple[float, ...]:
    """Rising edges between about twenty bins of equal size, each a value. None is the maximum, so no bin is empty."""
    if not sketch.n:
        return ()
    quantiles = {float(sketch.quantile(step / NARROW_BINS)) for step in range(1, NARROW_BINS)}
    return tuple(sorted(value for value in quantiles if value < sketch._max))


def monotone_cuts(counts: Sequence[tuple[int, int]], *, trend: Trend = "auto_asc_desc") -> tuple[int, ...]:
    """Where to cut a row of narrow bins, so that the default rates of what lies between cuts are monotone.

    Args:
        counts: (non-defaults, defaults) of each narrow bin, in order.
        trend: rising, falling, or whichever fits.

    Returns:
        Rising numbers of the bins before which to cut. Empty: all are one bin.
    """
    pairs = np.array(counts, dtype=np.int64).reshape(-1, 2)
    if len(pairs) < 2 or not pairs.sum(axis=0).all():
        return ()
    with _quiet():
        from optbinning import OptimalBinning  # type: ignore[import-untyped]

        solver = OptimalBinning(
            user_splits=[place - 0.5 for place in range(1, len(pairs))],
            monotonic_trend=trend,
            min_bin_size=SMALLEST_SHARE,
        )
        place, label, weight = np.repeat(np.arange(len(pairs)), 2), np.tile([0, 1], len(pairs)), pairs.ravel()
        present = weight > 0
        solver.fit(place[present].astype(np.float64), label[present], sample_weight=weight[present])
        return tuple(int(split + 0.5) for split in solver.splits)


def counts_between(counts: Sequence[tuple[int, int]], cuts: Sequence[int]) -> list[tuple[int, int]]:
    """The counts of the bins between cuts.

    >>> counts_between([(1, 2), (3, 4), (5, 6)], [2])
    [(4, 6), (5, 6)]
    """
    bounds = [0, *cuts, len(counts)]
    return [
        (sum(n for n, _ in counts[first:end]), sum(d for _, d in counts[first:end]))
        for first, end in itertools.pairwise(bounds)
    ]


def _sketch_of(part: Mapping[str, Any]) -> Any:
    with _quiet():
        from optbinning.binning.distributed.gk import Entry

    sketch = new_sketch()
    entries = zip(part["value"], part["g"], part["delta"], strict=True)
    sketch.entries = [Entry(value, g, delta) for value, g, delta in entries]
    sketch._count, sketch._min, sketch._max = part["row_count"], part["minimum"], part["maximum"]
    return sketch


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """OptBinning's own imports print and warn about solvers that nobody uses here."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
