"""Which row groups of which Parquet files a training or scoring run may see, and how many tasks share them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

CELLS_A_TASK = 20_000_000  # some seconds of scoring


@dataclass(frozen=True)
class FileSlice:
    """One row group of one Parquet file.

    Attributes:
        shard: which training shard it belongs to.
        in_sample: its rows are of the sample from which shards learn what they must share.
    """

    uri: str
    row_group: int
    rows: int
    shard: int = 0
    in_sample: bool = True


@dataclass(frozen=True)
class Snapshot:
    """Exactly the rows that a training or scoring run may see.

    Attributes:
        slices: the active files' row groups. Nothing else of the folder counts.
        rows: how many rows they hold.
        digest: a name of the content, equal for equal rows.
        sort_key: the column that gives the rows an order independent of files. Empty where order is of no matter.
    """

    slices: tuple[FileSlice, ...]
    rows: int
    digest: str
    sort_key: str = ""

    def shard(self, number: int) -> tuple[FileSlice, ...]:
        """The slices of one shard."""
        return tuple(piece for piece in self.slices if piece.shard == number)

    def sample(self, rows: int) -> tuple[FileSlice, ...]:
        """Training slices of the sample. Where none was marked, the first ones that hold so many rows together."""
        training = tuple(piece for piece in self.slices if piece.shard >= 0)
        if not all(piece.in_sample for piece in training):
            return tuple(piece for piece in training if piece.in_sample)
        before = itertools.accumulate((piece.rows for piece in training), initial=0)
        return tuple(piece for piece, count in zip(training, before, strict=False) if count < rows)


ReadSlices = Callable[[Sequence[FileSlice], Sequence[str]], "pa.Table"]
"""Reads the named columns of some slices into one Arrow table; picklable, so that it travels to the tasks."""


ReadBatches = Callable[["FileSlice", Sequence[str], int], "Iterator[pa.Table]"]
"""Reads the named columns of one slice, so many rows at most at a time; picklable, so that it travels to the tasks."""


def task_count(pieces: Sequence[FileSlice], columns: int) -> int:
    """How many tasks share the row groups, of which so many columns are read."""
    cells = sum(piece.rows for piece in pieces) * columns
    return max(1, min(len(pieces), -(-cells // CELLS_A_TASK)))
