"""What is done to a borrower's features before a model sees them, with values that were learnt on training rows alone.

The order is fixed: flags of missing values (as they came), outliers, missing values filled, interactions, deciles,
categories as numbers. Where there are evidence tables, weights of evidence come last, in place of everything they name.
Each step sees what the one before left. Batch jobs, MLflow's interface and training itself all apply this one code.

See docs/adr/0014.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from arrears.contracts.errors import BadConfiguration
from arrears.model.features.binning import number_bins
from arrears.scoring.columns import MISSING_LEVEL, by_level, number_column, text_column
from arrears.scoring.woe import EvidenceTable

UNSEEN_CODE = -1.0

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OutlierLimits:
    """How far a number may lie from the mean, and what becomes of one beyond: clipped, flagged, or its row dropped.

    Rows are dropped from training alone. In scoring every borrower gets a score.
    """

    column: str
    low: float
    high: float
    treatment: Literal["clip", "flag", "drop"]

    @property
    def output(self) -> str:
        """The name of the flag."""
        return f"{self.column}_outlier"

    def is_beyond(self, numbers: Numbers) -> npt.NDArray[np.bool_]:
        """True for numbers outside the limits. A missing value is not."""
        return (numbers < self.low) | (numbers > self.high)


@dataclass(frozen=True)
class Interaction:
    """Two numbers multiplied or divided. Missing where either is, and where the divisor is 0."""

    left: str
    right: str
    kind: Literal["product", "ratio"]

    @property
    def output(self) -> str:
        """The name of the feature that comes of it."""
        return f"{self.left}_{'times' if self.kind == 'product' else 'over'}_{self.right}"

    def of(self, left: Numbers, right: Numbers) -> Numbers:
        """The product or the ratio of each row."""
        with np.errstate(invalid="ignore", over="ignore"):
            if self.kind == "product":
                return left * right
            ratio: Numbers = np.divide(left, right, out=np.full(len(left), np.nan), where=right != 0)
            return ratio


@dataclass(frozen=True)
class Deciles:
    """The tenth of the training rows that a number falls into: 1 for the lowest. A missing value stays missing.

    Attributes:
        edges: rising. Fewer than nine where many training rows share a value. A number on an edge lies below it.
    """

    column: str
    edges: tuple[float, ...]

    @property
    def output(self) -> str:
        """The name of the feature that comes of it."""
        return f"{self.column}_decile"

    def of(self, numbers: Numbers) -> Numbers:
        """The decile of each row."""
        return np.where(np.isnan(numbers), np.nan, number_bins(numbers, self.edges) + 1.0)


@dataclass(frozen=True)
class LevelNumbers:
    """A category as numbers: one column of 0 and 1 a level, or one column with the level's number.

    A level that is not listed is 0 in every column, or the number -1. A missing value counts as the level
    ``__missing__``.
    """

    column: str
    levels: tuple[str, ...]
    one_hot: bool = True

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the features that come of it."""
        return tuple(f"{self.column}={level}" for level in self.levels) if self.one_hot else (f"{self.column}_index",)

    def of(self, texts: pa.Array) -> dict[str, Numbers]:
        """The columns by name."""
        numbered = {level: float(number) for number, level in enumerate(self.levels)}
        codes = by_level(pc.fill_null(texts, MISSING_LEVEL), numbered, unseen=UNSEEN_CODE)
        if not self.one_hot:
            return {self.outputs[0]: codes}
        return {name: (codes == number).astype(np.float64) for number, name in enumerate(self.outputs)}


@dataclass(frozen=True)
class Preparation:
    """All fitted steps of one model, in the order in which they are applied. Empty: features stay as they are.

    Attributes:
        missing_flags: columns beside which ``<column>_missing`` tells where a value was missing.
        number_fills, level_fills: column → what a missing value becomes.
    """

    missing_flags: tuple[str, ...] = ()
    outliers: tuple[OutlierLimits, ...] = ()
    number_fills: dict[str, float] = field(default_factory=dict)
    level_fills: dict[str, str] = field(default_factory=dict)
    interactions: tuple[Interaction, ...] = ()
    deciles: tuple[Deciles, ...] = ()
    levels: tuple[LevelNumbers, ...] = ()
    evidence: tuple[EvidenceTable, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True where nothing is done."""
        return self == Preparation()

    def outputs(self, numeric: Sequence[str], categorical: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The numeric and the categorical features that the model sees, in order. No row is needed for it.

        Raises:
            BadConfiguration: a feature that is added has the name of another.
        """
        numbered = {step.column for step in self.levels}
        numbers = [
            *numeric,
            *(step.output for step in self.interactions),
            *(step.output for step in self.deciles),
            *(_missing_flag(name) for name in self.missing_flags),
            *(step.output for step in self.outliers if step.treatment == "flag"),
            *(name for step in self.levels for name in step.outputs),
        ]
        levels = [name for name in categorical if name not in numbered]
        weighed = {table.column: table.output for table in self.evidence}
        numbers = [weighed.get(name, name) for name in numbers] + [weighed[name] for name in levels if name in weighed]
        levels = [name for name in levels if name not in weighed]
        twice = [name for name, count in Counter([*numbers, *levels]).items() if count > 1]
        if twice:
            raise BadConfiguration(*(f"preparation adds feature {name}, which is there already" for name in twice))
        return tuple(numbers), tuple(levels)

    def apply(self, rows: pa.Table, numeric: Sequence[str], categorical: Sequence[str]) -> pa.Table:
        """The rows as the model sees them: one row a row, the columns of ``outputs``.

        Args:
            rows: the columns as they came (nulls and NaN are missing values). Others are ignored.
        """
        if self.is_empty:
            return rows
        numbers = {name: _numbers(rows, name) for name in numeric}
        texts = {name: text_column(rows.column(name)) for name in categorical}
        flags = {_missing_flag(name): _is_missing(numbers, texts, name) for name in self.missing_flags}
        self._treat_outliers(numbers, flags)
        for name, number in self.number_fills.items():
            numbers[name] = np.where(np.isnan(numbers[name]), number, numbers[name])
        for name, level in self.level_fills.items():
            texts[name] = pc.fill_null(texts[name], level)
        numbers |= {step.output: step.of(numbers[step.left], numbers[step.right]) for step in self.interactions}
        numbers |= {step.output: step.of(numbers[step.column]) for step in self.deciles}
        numbers |= {name: flag.astype(np.float64) for name, flag in flags.items()}
        for coded in self.levels:
            numbers |= coded.of(texts[coded.column])
        for table in self.evidence:
            in_numbers = table.column in numbers
            numbers[table.output] = (
                table.of_numbers(numbers[table.column]) if in_numbers else table.of_texts(texts[table.column])
            )
        outputs = [name for names in self.outputs(numeric, categorical) for name in names]
        return pa.table({name: numbers[name] if name in numbers else texts[name] for name in outputs})

    def drop_outliers(self, rows: pa.Table) -> pa.Table:
        """Training rows without those that hold an outlier in a column whose outliers are dropped."""
        limits = [step for step in self.outliers if step.treatment == "drop"]
        if not limits:
            return rows
        beyond = np.zeros(rows.num_rows, dtype=bool)
        for step in limits:
            beyond |= step.is_beyond(_numbers(rows, step.column))
        return rows.filter(pa.array(~beyond))

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Preparation:
        """Reads a preparation from plain lists and dicts."""
        return cls(
            missing_flags=tuple(content.get("missing_flags", ())),
            outliers=tuple(OutlierLimits(**step) for step in content.get("outliers", ())),
            number_fills=dict(content.get("number_fills", {})),
            level_fills=dict(content.get("level_fills", {})),
            interactions=tuple(Interaction(**step) for step in content.get("interactions", ())),
            deciles=tuple(Deciles(step["column"], tuple(step["edges"])) for step in content.get("deciles", ())),
            levels=tuple(
                LevelNumbers(step["column"], tuple(step["levels"]), step["one_hot"])
                for step in content.get("levels", ())
            ),
            evidence=tuple(EvidenceTable.from_dict(table) for table in content.get("evidence", ())),
        )

    def _treat_outliers(self, numbers: dict[str, Numbers], flags: dict[str, npt.NDArray[np.bool_]]) -> None:
        for step in self.outliers:
            if step.treatment == "clip":
                numbers[step.column] = np.clip(numbers[step.column], step.low, step.high)
            elif step.treatment == "flag":
                flags[step.output] = step.is_beyond(numbers[step.column])


def _numbers(rows: pa.Table, name: str) -> Numbers:
    return number_column(rows.column(name)).astype(np.float64, copy=False)


def _is_missing(numbers: dict[str, Numbers], texts: dict[str, pa.Array], name: str) -> npt.NDArray[np.bool_]:
    if name in numbers:
        return np.isnan(numbers[name])
    missing: npt.NDArray[np.bool_] = texts[name].is_null().to_numpy(zero_copy_only=False)
    return missing


def _missing_flag(column: str) -> str:
    return f"{column}_missing"
