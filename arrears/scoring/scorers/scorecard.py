"""A scorecard: a logistic regression on weights of evidence, written as points a person can add up.

Scaling (Siddiqi 2006, "Credit Risk Scorecards", chapter 6): score = offset + factor · ln(odds of repaying), where
factor = points to double the odds / ln 2 and offset = base points - factor · ln(base odds). The score is the sum of a
borrower's points, one line of the table for each feature. Points are shown rounded; the probability never comes from
them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arrears.model.binning import OTHER_LEVELS, Bins
from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.linear import LinearModel
from arrears.scoring.woe import EvidenceBin, EvidenceTable


@dataclass(frozen=True)
class PointScale:
    """How log-odds become points.

    Attributes:
        base_points: what a borrower has whose odds of repaying are ``base_odds`` to 1.
        doubling_points: how many points more double the odds.
    """

    base_points: float = 600.0
    base_odds: float = 50.0
    doubling_points: float = 20.0

    @property
    def factor(self) -> float:
        """Points by unit of log-odds."""
        return self.doubling_points / math.log(2)

    def points(self, log_odds: Any) -> Any:
        """The score at log-odds of default."""
        return self.base_points - self.factor * (math.log(self.base_odds) + log_odds)


@dataclass(frozen=True)
class PointsRow:
    """One line of the points table: what a borrower gets for falling into a bin.

    Attributes:
        rows, defaults: the training rows in the bin.
        points: rounded, as they are printed.
        exact_points: before rounding.
    """

    feature: str
    bin: str
    rows: int
    defaults: int
    woe: float
    points: int
    exact_points: float


@dataclass(frozen=True)
class Scorecard:
    """A fitted scorecard.

    Attributes:
        formula: log-odds of default from the weights of evidence; 0 for a feature that was left out.
        table: the points.
        left_out: features whose evidence turned round beside the others', in the order in which they were dropped.
    """

    formula: LinearModel
    scale: PointScale
    table: tuple[PointsRow, ...]
    left_out: tuple[str, ...] = ()

    def estimates(self, inputs: Any) -> Numbers:
        """The default probability of each row, from the formula, not from rounded points."""
        return self.formula.estimates(inputs)

    def scores(self, inputs: Any) -> Numbers:
        """The points of each row before rounding: the more, the safer."""
        scores: Numbers = self.scale.points(self.formula.log_odds(inputs))
        return scores

    def contributions(self, inputs: Any) -> Numbers:
        """Exact, in log-odds of default."""
        return self.formula.contributions(inputs)

    def importance(self) -> tuple[float, ...]:
        """What one standard deviation of each feature's evidence moves the log-odds."""
        return self.formula.importance()

    def points_table(self) -> tuple[PointsRow, ...]:
        """The whole scorecard, feature by feature."""
        return self.table

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Scorecard:
        """Reads what JSON made of a model."""
        table = tuple(PointsRow(**line) for line in given["table"])
        return cls(
            LinearModel.from_dict(given["formula"]), PointScale(**given["scale"]), table, tuple(given["left_out"])
        )


def points_rows(formula: LinearModel, evidence: Sequence[EvidenceTable], scale: PointScale) -> tuple[PointsRow, ...]:
    """The points of every bin of every feature that the formula uses.

    Each feature carries an equal part of what a borrower without any evidence would score.

    Args:
        evidence: one table an input, in the order of the formula.
    """
    used = [(c, table) for c, table in zip(formula.coefficients, evidence, strict=True) if c]
    start = scale.points(formula.intercept) / max(1, len(used))
    found = []
    for coefficient, table in used:
        for name, line in _lines(table):
            exact = start - scale.factor * coefficient * line.woe
            rows = line.non_defaults + line.defaults
            found.append(PointsRow(table.column, name, rows, line.defaults, line.woe, round(exact), exact))
    return tuple(found)


def _lines(table: EvidenceTable) -> list[tuple[str, EvidenceBin]]:
    if table.levels:
        names, other = [", ".join(levels) for levels in table.levels], [(OTHER_LEVELS, table.other)]
    else:
        names, other = list(Bins(table.column, table.edges).labels[:-1]), []
    return [*zip(names, table.bins, strict=True), *other, ("missing", table.missing)]
