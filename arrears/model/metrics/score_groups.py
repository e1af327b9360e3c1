"""Figures of groups of similar scores: deciles with lift and capture, calibration, stability of the score.

* Lift: default rate of a decile over that of all borrowers. Capture: share of all defaults up to and with a decile.
* ECE: sum over ten groups of (share of the rows) x |mean score - default rate| (Naeini et al. 2015).
* Hosmer-Lemeshow: sum over the groups of (observed - expected defaults)² / (n p (1 - p)), p the group's mean score.
  Chi-squared with one degree of freedom a group on rows that the model was not fitted to (Hosmer, Lemeshow and
  Sturdivant 2013, section 5.3; two fewer hold for the rows of the fit).
* PSI: sum of (p - q) ln(p / q) over tenths of the training rows' scores. No row in a bin counts as half a row in the
  logarithm.

See docs/adr/0027.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import chdtrc

from arrears.contracts.tables.column_names import SCORE
from arrears.model.features.binning import Bins
from arrears.model.metrics.curves import CalibrationGroup
from arrears.model.metrics.default_metrics import PROBABILITY_CLIP
from arrears.model.metrics.findings import CalibrationCheck, Decile, ScoreStability, StabilityBin

_EMPTY_BIN = 0.5

GroupKind = Literal["calibration", "decile", "histogram", "training_tenth"]


class ScoreGroup(NamedTuple):
    """Borrowers of similar score.

    Attributes:
        kind: how they were grouped.
        number: the group's, from 0.
        rows: how many they are. The rest is weighted.
        score_sum: sum of weight x score.
    """

    kind: GroupKind
    number: int
    rows: int
    positives: float
    negatives: float
    score_sum: float

    @property
    def weight(self) -> float:
        """What the group's borrowers weigh."""
        return self.positives + self.negatives

    @property
    def mean_score(self) -> float:
        """The mean default probability that the model predicts for them."""
        return self.score_sum / self.weight

    @property
    def default_rate(self) -> float:
        """The default rate that was observed."""
        return self.positives / self.weight


def of_kind(groups: Iterable[ScoreGroup], kind: GroupKind) -> list[ScoreGroup]:
    """The groups of one kind, in their order."""
    return sorted((group for group in groups if group.kind == kind), key=lambda group: group.number)


def deciles(groups: Iterable[ScoreGroup]) -> tuple[Decile, ...]:
    """The table of deciles, riskiest first. Number 0 of the groups is the riskiest tenth."""
    tenths = of_kind(groups, "decile")
    defaults, weight = sum(group.positives for group in tenths), sum(group.weight for group in tenths)
    table, captured = [], 0.0
    for group in tenths:
        captured += group.positives
        table.append(
            Decile(
                decile=group.number + 1,
                rows=group.weight,
                defaults=group.positives,
                mean_score=group.mean_score,
                default_rate=group.default_rate,
                lift=group.default_rate / (defaults / weight),
                capture=captured / defaults,
            )
        )
    return tuple(table)


def calibration_groups(groups: Iterable[ScoreGroup]) -> tuple[CalibrationGroup, ...]:
    """The table of calibration: predicted and observed default rates, from the lowest scores to the highest."""
    return tuple(CalibrationGroup(g.mean_score, g.default_rate, g.rows) for g in of_kind(groups, "calibration"))


def calibration_check(groups: Iterable[ScoreGroup]) -> CalibrationCheck:
    """Whether predicted probabilities match observed default rates, over the groups of kind ``calibration``."""
    tenths = of_kind(groups, "calibration")
    weight = np.array([group.weight for group in tenths])
    predicted, observed = (
        np.array([getattr(group, name) for group in tenths]) for name in ("mean_score", "default_rate")
    )
    # A group that was called certain and was not: as wrong as can be, but a number.
    expected = np.clip(predicted, PROBABILITY_CLIP, 1 - PROBABILITY_CLIP)
    statistic = float((weight * (observed - expected) ** 2 / (expected * (1 - expected))).sum())
    return CalibrationCheck(
        ece=float((weight * np.abs(predicted - observed)).sum() / weight.sum()),
        hosmer_lemeshow=statistic,
        p_value=float(chdtrc(len(tenths), statistic)),
        degrees=len(tenths),
    )


def tenth_edges(score_quantiles: Sequence[float]) -> tuple[float, ...]:
    """The limits between tenths of the training rows' scores. A score that fills more than a tenth gives fewer.

    Args:
        score_quantiles: scores at equal steps from 0 to 100 % of the training rows, as the model's document keeps them.
    """
    last = len(score_quantiles) - 1
    limits = {score_quantiles[tenth * last // 10] for tenth in range(1, 10)}
    return tuple(sorted(limit for limit in limits if limit < score_quantiles[last]))


def score_stability(groups: Iterable[ScoreGroup], score_quantiles: Sequence[float]) -> ScoreStability:
    """How far scores have moved since training: the population stability index (PSI).

    Args:
        groups: held-out rows of kind ``training_tenth``, cut at `tenth_edges`.
        score_quantiles: of the training rows. They tell the share of a bin to one step.
    """
    bins = Bins(SCORE, tenth_edges(score_quantiles))
    at_or_below = np.searchsorted(score_quantiles, [*bins.edges, score_quantiles[-1]], side="right") - 1
    training = np.diff(at_or_below, prepend=0) / (len(score_quantiles) - 1)
    counted = {group.number: group.rows for group in of_kind(groups, "training_tenth")}
    rows = np.array([counted.get(number, 0) for number in range(training.size)])
    held_out = rows / rows.sum()
    contributions = (training - held_out) * np.log(training / np.where(rows, held_out, _EMPTY_BIN / rows.sum()))
    parts = zip(bins.labels, training.tolist(), held_out.tolist(), contributions.tolist(), strict=False)
    return ScoreStability(float(contributions.sum()), tuple(StabilityBin(*part) for part in parts))
