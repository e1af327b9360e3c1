"""The shapes behind the numbers: points of the ROC, precision-recall and KS curves, score histogram, calibration.

Small enough for a mail whatever the number of rows: at most 2,000 points, 200 bins, 10 groups.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

HISTOGRAM_BINS = 200  # of equal width on [0, 1]; the same bins for every model, so that histograms can be compared
CALIBRATION_GROUPS = 10
GRID_STEPS = 1000


class CurvePoint(NamedTuple):
    """What happens if every score at or above ``score`` is called a default."""

    score: float
    true_positive_rate: float
    false_positive_rate: float
    precision: float


class CalibrationGroup(NamedTuple):
    """Borrowers of similar score: the predicted and the observed default rate."""

    mean_score: float
    default_rate: float
    rows: int


@dataclass(frozen=True)
class Curves:
    """What the plots of one evaluation draw.

    Attributes:
        points: in falling order of score.
        non_defaults, defaults: (weighted) borrowers per bin of ``HISTOGRAM_BINS`` equal bins on [0, 1].
        calibration: tenths of the borrowers in rising order of score. Equal scores stay together.
        quantiles: scores at 0, 0.1, … 100 % of the borrowers, 1,001 numbers.
    """

    points: tuple[CurvePoint, ...]
    non_defaults: tuple[float, ...]
    defaults: tuple[float, ...]
    calibration: tuple[CalibrationGroup, ...]
    quantiles: tuple[float, ...]

    @property
    def roc(self) -> list[tuple[float, float]]:
        """(false positive rate, true positive rate) from (0, 0) to (1, 1)."""
        return [(0.0, 0.0), *((p.false_positive_rate, p.true_positive_rate) for p in self.points)]

    @property
    def precision_recall(self) -> list[tuple[float, float]]:
        """(recall, precision) in rising order of recall."""
        return [(p.true_positive_rate, p.precision) for p in self.points]

    @property
    def ks(self) -> list[tuple[float, float, float]]:
        """(score, share of defaulters at or above it, share of non-defaulters at or above it), rising."""
        return [(p.score, p.true_positive_rate, p.false_positive_rate) for p in reversed(self.points)]

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, for JSON."""
        plain = dataclasses.asdict(self)
        return plain | {name: [row._asdict() for row in getattr(self, name)] for name in ("points", "calibration")}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Curves:
        """Reads what ``to_dict`` wrote."""
        return cls(
            points=tuple(CurvePoint(**point) for point in content["points"]),
            non_defaults=tuple(content["non_defaults"]),
            defaults=tuple(content["defaults"]),
            calibration=tuple(CalibrationGroup(**group) for group in content["calibration"]),
            quantiles=tuple(content["quantiles"]),
        )
