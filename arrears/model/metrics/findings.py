"""What an evaluation finds beside its headline metrics: deciles, segments, groups, and stability.

Every number comes from counts and sums that Spark made. Nothing here grows with the rows.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from arrears.model.metrics.curves import Curves
from arrears.model.metrics.default_metrics import Evaluation


@dataclass(frozen=True)
class Decile:
    """A tenth of the borrowers, the riskiest first. Equal scores stay together.

    Attributes:
        decile: 1 to 10 by how many borrowers score higher. Where many scores are equal, numbers are left out.
        rows, defaults: weighted, where the evaluation is.
        lift: default rate against that of all borrowers.
        capture: share of all defaults in this decile and the riskier ones.
    """

    decile: int
    rows: float
    defaults: float
    mean_score: float
    default_rate: float
    lift: float
    capture: float


@dataclass(frozen=True)
class CalibrationCheck:
    """Whether predicted probabilities match observed default rates.

    Attributes:
        ece: expected calibration error: mean distance between predicted and observed default rate over ten groups,
            weighted by rows (Naeini et al. 2015).
        hosmer_lemeshow, p_value: the test of Hosmer and Lemeshow over the groups. A small p-value rejects the model.
        degrees: of freedom of that test: one a group, for the rows are not those that the model was fitted to
            (Hosmer, Lemeshow and Sturdivant 2013, section 5.3).
    """

    ece: float
    hosmer_lemeshow: float
    p_value: float
    degrees: int


@dataclass(frozen=True)
class SegmentResult:
    """How the model does on the borrowers of one level of one column.

    ``auc`` and its interval (DeLong) are None where the segment lacks a class.
    """

    column: str
    level: str
    rows: int
    defaults: int
    default_rate: float
    mean_score: float
    auc: float | None
    auc_low: float | None
    auc_high: float | None


@dataclass(frozen=True)
class Interval:
    """A share with its 95 % interval (Wilson)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GroupFairness:
    """What the cut-off does to the borrowers of one protected group.

    Attributes:
        approval_rate: share below the cut-off.
        declined_good_rate: share of the borrowers who repaid that would have been declined (false positive rate).
        approved_bad_rate: share of the borrowers who defaulted that would have been approved (false negative rate).
        approval_ratio: approval rate over the largest of the attribute's groups. None: the group is too small to be
            compared, or its borrowers' attribute is missing, or no other group can be compared, or nobody is approved.
    """

    attribute: str
    group: str
    rows: int
    approval_rate: Interval
    declined_good_rate: Interval | None
    approved_bad_rate: Interval | None
    approval_ratio: float | None = None


@dataclass(frozen=True)
class AucDifference:
    """How much better the candidate ranks than the champion on the same rows: DeLong's paired interval of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """On which held-out rows a candidate stands beside the champion: those that neither has learnt from.

    Attributes:
        rows, defaults: of those rows. None: nothing tells which rows the champion has learnt from.
        left_out: held-out rows that the champion has learnt from, or whose customer it knows.
        candidate: its metrics on those rows. None: they are too few to compare on.
        problem: why nothing is compared. Empty where the two are.
    """

    rows: int | None
    defaults: int | None
    left_out: int = 0
    candidate: Evaluation | None = None
    problem: str = ""

    def metrics(self) -> dict[str, float]:
        """The figures by name, as MLflow keeps them and the gate reads them."""
        figures = {
            "compared_rows": self.rows,
            "compared_defaults": self.defaults,
            "compared_auc": self.candidate.auc if self.candidate else None,
        }
        return {name: value for name, value in figures.items() if value is not None}


@dataclass(frozen=True)
class StabilityBin:
    """Scores between two limits: how many of the training rows were there, and how many of the held-out rows are.

    Attributes:
        contribution: what this bin adds to the index.
    """

    label: str
    training_share: float
    held_out_share: float
    contribution: float


@dataclass(frozen=True)
class ScoreStability:
    """How far scores have moved from the training rows to the held-out rows (PSI), over tenths of the training rows.

    Attributes:
        psi: population stability index. `rules_of_thumb` says what is little and what a lot.
    """

    psi: float
    bins: tuple[StabilityBin, ...]


@dataclass(frozen=True)
class Findings:
    """All that an evaluation finds on held-out rows. The report page and the gate read it.

    Attributes:
        calibration: the check. Its table is ``curves.calibration``.
        deciles: riskiest first.
        stability: None: the model keeps no scores of its training rows.
        segments: the weakest AUC first, those without AUC last.
        fairness: group by group of each protected attribute, the largest group first. Empty: no such column.
        auc_difference: against the champion on the same rows. None: there is no champion.
    """

    evaluation: Evaluation
    curves: Curves
    calibration: CalibrationCheck
    deciles: tuple[Decile, ...]
    stability: ScoreStability | None = None
    segments: tuple[SegmentResult, ...] = ()
    fairness: tuple[GroupFairness, ...] = ()
    auc_difference: AucDifference | None = None

    @property
    def lowest_approval_ratio(self) -> float | None:
        """The smallest approval rate of a group over the largest, of the worst attribute. None: nothing to compare."""
        ratios = [group.approval_ratio for group in self.fairness if group.approval_ratio is not None]
        return min(ratios, default=None)

    def metrics(self) -> dict[str, float | int]:
        """Metric name to number, as MLflow keeps them and the gate reads them. What is not known is left out."""
        difference = self.auc_difference
        figures: dict[str, float | int | None] = {
            **self.evaluation.to_dict(),
            "ece": self.calibration.ece,
            "hosmer_lemeshow": self.calibration.hosmer_lemeshow,
            "hosmer_lemeshow_p": self.calibration.p_value,
            "score_psi": self.stability.psi if self.stability else None,
            "auc_difference": difference.value if difference else None,
            "auc_difference_low": difference.low if difference else None,
            "auc_difference_high": difference.high if difference else None,
            "lowest_approval_ratio": self.lowest_approval_ratio,
        }
        return {name: value for name, value in figures.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, for JSON: the metrics, and every part by its name."""
        parts = dataclasses.asdict(self) | {"evaluation": self.evaluation.to_dict(), "curves": self.curves.to_dict()}
        return {"metrics": self.metrics(), **parts}
