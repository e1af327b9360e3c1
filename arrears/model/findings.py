"""What an evaluation finds beside its headline metrics: deciles, segments, groups, and stability.

Every number comes from counts and sums that Spark made; nothing here grows with the rows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decile:
    """A tenth of the borrowers, the riskiest first; equal scores stay together.

    Attributes:
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
    """Whether probabilities come true.

    Attributes:
        ece: expected calibration error: mean distance between promised and observed default rate over ten groups,
            weighted by rows (Naeini et al. 2015).
        hosmer_lemeshow, p_value: the test of Hosmer and Lemeshow over the groups; a small p-value rejects the model.
    """

    ece: float
    hosmer_lemeshow: float
    p_value: float


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
    """

    attribute: str
    group: str
    rows: int
    approval_rate: Interval
    declined_good_rate: Interval | None
    approved_bad_rate: Interval | None


@dataclass(frozen=True)
class AucDifference:
    """How much better the candidate ranks than the champion on the same rows: DeLong's paired interval of 95 %."""

    value: float
    low: float
    high: float
