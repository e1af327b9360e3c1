"""What every engine is given and gives back. Engines read rows through a factory and store nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from arrears.scoring.preparation import Preparation

if TYPE_CHECKING:
    import pyarrow as pa

    from arrears.scoring.document import LevelRates

VALIDATION_SHARD = -1


@dataclass(frozen=True)
class FileSlice:
    """One row group of one Parquet file; ``shard`` tells which training shard it belongs to."""

    uri: str
    row_group: int
    rows: int
    shard: int = 0


@dataclass(frozen=True)
class Snapshot:
    """Exactly the rows that a training or scoring run may see.

    Attributes:
        slices: the active files' row groups; nothing else of the folder counts.
        rows: how many rows they hold.
        digest: a name of the content, equal for equal rows.
        sort_key: the column that gives the rows an order independent of files; empty where order is of no matter.
    """

    slices: tuple[FileSlice, ...]
    rows: int
    digest: str
    sort_key: str = ""

    def shard(self, number: int) -> tuple[FileSlice, ...]:
        """The slices of one shard."""
        return tuple(piece for piece in self.slices if piece.shard == number)


ReadSlices = Callable[[Sequence[FileSlice], Sequence[str]], "pa.Table"]
"""Reads the named columns of some slices into one Arrow table; picklable, so that it travels to the tasks."""


@dataclass(frozen=True)
class TrainingSpec:
    """How to train: raw inputs, what is done to them before the model, and the settings that the analyst chose."""

    label: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    iterations: int
    depth: int
    early_stopping_rounds: int
    seed: int
    threads: int
    shards: int = 1
    learning_rate: float | None = None
    encoded: tuple[LevelRates, ...] = ()
    preparation: Preparation = field(default_factory=Preparation)


@dataclass(frozen=True)
class FittedModel:
    """A trained model as bytes, and what is worth knowing of its training."""

    model: bytes
    engine: str
    facts: dict[str, float | int | str]
    example: dict[str, float | str | None] = field(default_factory=dict)

    def numbers(self) -> dict[str, float]:
        """Those of the facts that are numbers, for MLflow."""
        return {name: float(fact) for name, fact in self.facts.items() if not isinstance(fact, str)}
