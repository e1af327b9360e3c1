"""A scorecard: a logistic regression on weights of evidence, written as points a person can add up.

Scaling (Siddiqi 2006, "Credit Risk Scorecards", chapter 6): score = offset + factor · ln(odds of repaying), where
factor = points to double the odds / ln 2 and offset = base points - factor · ln(base odds). Odds are those of the
calibrated probability: what corrects the formula's log-odds is folded into offset and factor. The score is the sum of a
borrower's points, one line of the table for each feature. Points are shown rounded. The probability never comes from
them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from arrears.model.features.binning import OTHER_LEVELS, Bins
from arrears.model.fitting.calibration import Calibration
from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.linear import LinearModel
from arrears.scoring.woe import EvidenceBin, EvidenceTable

POINTS_RANK = (
    "Points rank borrowers, but do not stand for odds: the isotonic calibration is a curve, and odds are read off it."
)


@dataclass(frozen=True)
class PointScale:
    """How log-odds become points.

    Attributes:
        base_points: what a borrower has whose odds of repaying are ``base_odds`` to 1.
        doubling_points: how many points more double the odds.
        slope, intercept: what the prior correction or Platt's calibration makes of the formula's log-odds. Points stand
            for the probability that is in use, not for the one that the formula was fitted to.
    """

    base_points: float = 600.0
    base_odds: float = 50.0
    doubling_points: float = 20.0
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def factor(self) -> float:
        """Points by unit of the formula's log-odds."""
        return self.slope * self.doubling_points / math.log(2)

    def points(self, log_odds: Any) -> Any:
        """The score at the formula's log-odds of default."""
        unit = self.doubling_points / math.log(2)
        return self.base_points - unit * (math.log(self.base_odds) + self.intercept) - self.factor * log_odds


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
        formula: log-odds of default from the weights of evidence. 0 for a feature that was left out.
        table: the points.
        left_out: features whose coefficient contradicted their evidence, in the order in which they were dropped.
        note: what a reader of the points must know. Empty: they mean what the scale says.
    """

    formula: LinearModel
    scale: PointScale
    table: tuple[PointsRow, ...]
    left_out: tuple[str, ...] = ()
    note: str = ""

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

    def calibrated(self, calibration: Calibration | None) -> Scorecard:
        """The same scorecard with its points brought to calibrated odds. Its estimates stay those of the formula.

        A prior correction and Platt's are lines in log-odds: they go into offset and factor. An isotonic curve is none:
        points rank borrowers then, and their odds are read off the curve.
        """
        if calibration is None:
            return self
        if calibration.kind == "isotonic":
            return replace(self, note=POINTS_RANK)
        scale = replace(self.scale, slope=calibration.slope, intercept=calibration.intercept)
        used = max(1, sum(coefficient != 0 for coefficient in self.formula.coefficients))
        before, start = (each.points(self.formula.intercept) / used for each in (self.scale, scale))
        ratio = scale.factor / self.scale.factor
        exact = [start + ratio * (line.exact_points - before) for line in self.table]
        table = tuple(
            replace(line, points=round(points), exact_points=points)
            for line, points in zip(self.table, exact, strict=True)
        )
        return replace(self, scale=scale, table=table)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Scorecard:
        """Reads a model from its JSON content."""
        table = tuple(PointsRow(**line) for line in content["table"])
        formula, scale = LinearModel.from_dict(content["formula"]), PointScale(**content["scale"])
        return cls(formula, scale, table, tuple(content["left_out"]), content.get("note", ""))


def points_rows(formula: LinearModel, evidence: Sequence[EvidenceTable], scale: PointScale) -> tuple[PointsRow, ...]:
    """The points of every bin of every feature that the formula uses.

    Each feature carries an equal part of what a borrower without any evidence would score.

    Args:
        evidence: one table an input, in the order of the formula.
    """
    used = [(c, table) for c, table in zip(formula.coefficients, evidence, strict=True) if c]
    start = scale.points(formula.intercept) / max(1, len(used))
    lines = []
    for coefficient, table in used:
        for name, line in _lines(table):
            exact = start - scale.factor * coefficient * line.woe
            rows = line.non_defaults + line.defaults
            lines.append(PointsRow(table.column, name, rows, line.defaults, line.woe, round(exact), exact))
    return tuple(lines)


def _lines(table: EvidenceTable) -> list[tuple[str, EvidenceBin]]:
    if table.levels:
        names, other = [", ".join(levels) for levels in table.levels], [(OTHER_LEVELS, table.other)]
    else:
        names, other = list(Bins(table.column, table.edges).labels[:-1]), []
    return [*zip(names, table.bins, strict=True), *other, ("missing", table.missing)]
