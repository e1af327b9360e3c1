"""How good a model is, from sums: Spark reduces millions of scores to them, this module turns them into metrics.

Definitions (all checked against scikit-learn 1.9 to 1e-9):

* AUC: the chance that a defaulter scores above a non-defaulter, ties counting half (Mann-Whitney; `roc_auc_score`).
* Gini: 2 x AUC - 1.
* KS: the largest gap between the shares of defaulters and of non-defaulters at or above a score, max(TPR - FPR) over
  distinct scores (`scipy.stats.ks_2samp`, one-sided, so that a model that ranks the wrong way round gets 0).
* AUC-PR: the sum over distinct scores, falling, of (recall gained) x precision (`average_precision_score`).
* Log-loss: mean of -log(probability given to what happened), probabilities clipped to the float64 machine epsilon.
* Brier: mean squared distance between probability and outcome.
* Accuracy, precision, recall, F1: at a threshold; a score at or above it predicts default; 0 / 0 counts as 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrears.contracts.errors import BadInput

Floats = NDArray[np.float64]

PROBABILITY_CLIP = float(np.finfo(np.float64).eps)  # scikit-learn's, so that log-loss agrees where a score is 0 or 1
INTERVAL_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class RankSums:
    """What the metrics of ranking need: sums over the distinct scores.

    Attributes:
        positives, negatives: (weighted) defaulters and non-defaulters.
        area: sum of defaulters x (non-defaulters below + half of those at the same score).
        precision_sum: sum of defaulters x precision at their score.
        ks: largest TPR - FPR, at least 0.
    """

    positives: float
    negatives: float
    area: float
    precision_sum: float
    ks: float

    @property
    def auc(self) -> float:
        """The chance that a defaulter scores above a non-defaulter."""
        return self.area / (self.positives * self.negatives)

    @property
    def auc_pr(self) -> float:
        """Average precision over the recall gained."""
        return self.precision_sum / self.positives


@dataclass(frozen=True)
class ErrorSums:
    """What the metrics of probabilities and of one threshold need: sums over the rows."""

    rows: int
    defaults: int
    log_loss_sum: float
    squared_error_sum: float
    tp: int
    fp: int
    tn: int
    fn: int


@dataclass(frozen=True)
class Evaluation:
    """How well a model tells defaulters apart on rows that it has not seen.

    ``auc_low`` and ``auc_high`` are the 95 % percentile bootstrap interval; the last eight fields are the confusion
    matrix at ``threshold`` and what follows from it. The module's docstring defines each metric.
    """

    auc: float
    auc_low: float
    auc_high: float
    gini: float
    ks: float
    auc_pr: float
    log_loss: float
    brier: float
    rows: int
    defaults: int
    threshold: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    tp: int
    fp: int
    tn: int
    fn: int

    @classmethod
    def from_sums(
        cls, rank: RankSums, errors: ErrorSums, *, threshold: float, auc_interval: tuple[float, float]
    ) -> Evaluation:
        """Turns sums into metrics.

        Raises:
            BadInput: no rows, or rows of one class only: ranking metrics do not exist then.
        """
        check_both_classes(errors.rows, errors.defaults)
        predicted, actual = errors.tp + errors.fp, errors.tp + errors.fn
        return cls(
            auc=rank.auc,
            auc_low=auc_interval[0],
            auc_high=auc_interval[1],
            gini=2 * rank.auc - 1,
            ks=rank.ks,
            auc_pr=rank.auc_pr,
            log_loss=errors.log_loss_sum / errors.rows,
            brier=errors.squared_error_sum / errors.rows,
            rows=errors.rows,
            defaults=errors.defaults,
            threshold=threshold,
            accuracy=(errors.tp + errors.tn) / errors.rows,
            precision=_share(errors.tp, predicted),
            recall=_share(errors.tp, actual),
            f1=_share(2 * errors.tp, predicted + actual),
            tp=errors.tp,
            fp=errors.fp,
            tn=errors.tn,
            fn=errors.fn,
        )

    def to_dict(self) -> dict[str, float | int]:
        """Metric name to number, in the order a reader wants them."""
        return dataclasses.asdict(self)


def check_both_classes(rows: int, defaults: int) -> None:
    """Refuses rows on which no model can be measured: none at all, or all of one class.

    Raises:
        BadInput: with the counts and what to do.
    """
    if rows == 0:
        raise BadInput("there are no scored rows to measure the model on: check the held-out set and its version")
    if defaults in (0, rows):
        found = "none" if defaults == 0 else "all"
        raise BadInput(
            f"{found} of the {rows} held-out rows defaulted; metrics need both classes: "
            "hold out more rows, or check how the target is declared"
        )


def rank_sums(scores: ArrayLike, is_default: ArrayLike, weights: ArrayLike | None = None) -> RankSums:
    """Sums behind AUC, AUC-PR and KS for scores that fit in memory; Spark builds the same for those that do not.

    Args:
        scores: float64, any order, ties allowed; shape (n,).
        is_default: 0 or 1; shape (n,).
        weights: how often each row counts; shape (n,); none: once.

    Raises:
        BadInput: no rows, or rows of one class only.
    """
    labels = np.asarray(is_default, dtype=np.float64)
    check_both_classes(labels.size, int(labels.sum()))
    weight = np.ones_like(labels) if weights is None else np.asarray(weights, dtype=np.float64)
    _, group = np.unique(np.asarray(scores, dtype=np.float64), return_inverse=True)
    positives: Floats = np.bincount(group, weights=labels * weight).astype(np.float64)
    negatives: Floats = np.bincount(group, weights=(1 - labels) * weight).astype(np.float64)
    return _rank_sums_of_counts(positives, negatives)


def error_sums(scores: ArrayLike, is_default: ArrayLike, *, threshold: float) -> ErrorSums:
    """Sums behind log-loss, Brier and the confusion matrix for scores that fit in memory.

    Args:
        scores: probabilities in [0, 1], float64; shape (n,).
        is_default: 0 or 1; shape (n,).
        threshold: a score at or above it predicts default.
    """
    probability = np.asarray(scores, dtype=np.float64)
    defaulted = np.asarray(is_default) == 1
    flagged = probability >= threshold
    given = np.clip(np.where(defaulted, probability, 1 - probability), PROBABILITY_CLIP, 1 - PROBABILITY_CLIP)
    return ErrorSums(
        rows=int(defaulted.size),
        defaults=int(defaulted.sum()),
        log_loss_sum=float(-np.log(given).sum()),
        squared_error_sum=float(((probability - defaulted) ** 2).sum()),
        tp=int((flagged & defaulted).sum()),
        fp=int((flagged & ~defaulted).sum()),
        tn=int((~flagged & ~defaulted).sum()),
        fn=int((~flagged & defaulted).sum()),
    )


def percentile_interval(replicates: Sequence[float] | Floats) -> tuple[float, float]:
    """The range that holds the middle 95 % of a metric's bootstrap replicates.

    Percentile bootstrap (Efron and Tibshirani 1993, chapter 13). Replicates that lack a class are NaN and left out.

    Raises:
        BadInput: no replicate has both classes: there are too few defaulters for an interval.
    """
    values = np.asarray(replicates, dtype=np.float64)
    values = values[~np.isnan(values)]
    if values.size == 0:
        raise BadInput("no bootstrap replicate holds both classes: hold out more rows or ask for more replicates")
    low, high = np.percentile(values, INTERVAL_PERCENTILES)
    return float(low), float(high)


def _rank_sums_of_counts(positives: Floats, negatives: Floats) -> RankSums:
    """From weighted counts per distinct score, in rising order of score."""
    total_positives, total_negatives = positives.sum(), negatives.sum()
    negatives_below = np.cumsum(negatives) - negatives
    true_positives = np.cumsum(positives[::-1])[::-1]
    false_positives = np.cumsum(negatives[::-1])[::-1]
    # A group of weight 0 above every other would divide 0 by 0; it gains no recall.
    precision = true_positives / np.maximum(true_positives + false_positives, np.finfo(np.float64).tiny)
    gap = true_positives / total_positives - false_positives / total_negatives
    return RankSums(
        positives=float(total_positives),
        negatives=float(total_negatives),
        area=float((positives * (negatives_below + negatives / 2)).sum()),
        precision_sum=float((positives * precision).sum()),
        ks=max(float(gap.max()), 0.0),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
