"""How good a model is, from sums: Spark reduces millions of scores to them, this module turns them into metrics.

Definitions (all checked against scikit-learn 1.9 to 1e-9):

* AUC: the chance that a defaulter scores above a non-defaulter, ties counting half (Mann-Whitney; `roc_auc_score`).
* Gini: 2 x AUC - 1.
* KS: the largest gap between the shares of defaulters and of non-defaulters at or above a score, max(TPR - FPR) over
  distinct scores (`scipy.stats.ks_2samp`, one-sided, so that a model that ranks the wrong way round gets 0).
* AUC-PR: the sum over distinct scores, falling, of (recall gained) x precision (`average_precision_score`).
* Log-loss: mean of -log(probability given to what happened), probabilities clipped to the float64 machine epsilon.
* Brier: mean squared distance between probability and outcome.
* Accuracy, precision, recall, F1 and more at a threshold: a score at or above it predicts default; 0 / 0 counts as 0.

With weights, each of them is what scikit-learn gives for ``sample_weight``.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from arrears.contracts.errors import BadInput

if TYPE_CHECKING:
    from arrears.model.rank_sums import RankSums

PROBABILITY_CLIP = float(np.finfo(np.float64).eps)  # scikit-learn's, so that log-loss agrees where a score is 0 or 1


@dataclass(frozen=True)
class ErrorSums:
    """What the metrics of probabilities and of one threshold need: sums over the rows, weighted but for the first two.

    Attributes:
        rows, defaults: how many rows there are, whatever they weigh.
    """

    rows: int
    defaults: int
    log_loss_sum: float
    squared_error_sum: float
    tp: float
    fp: float
    tn: float
    fn: float

    @property
    def weight(self) -> float:
        """What all rows weigh."""
        return self.tp + self.fp + self.tn + self.fn


@dataclass(frozen=True)
class Evaluation:
    """How well a model tells defaulters apart on rows that it has not seen.

    ``auc_low`` and ``auc_high`` are its 95 % interval, DeLong's or of the bootstrap; the last eight fields are the
    confusion matrix at ``threshold`` and what follows from it. The module's docstring defines each metric.
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
    tp: float
    fp: float
    tn: float
    fn: float

    @classmethod
    def from_sums(
        cls, rank: RankSums, errors: ErrorSums, *, threshold: float, auc_interval: tuple[float, float] | None = None
    ) -> Evaluation:
        """Turns sums into metrics.

        Args:
            auc_interval: of the bootstrap; none: DeLong's.

        Raises:
            BadInput: no rows, or rows of one class only: ranking metrics do not exist then.
        """
        check_both_classes(errors.rows, errors.defaults)
        low, high = auc_interval or rank.auc_interval
        predicted, actual = errors.tp + errors.fp, errors.tp + errors.fn
        return cls(
            auc=rank.auc,
            auc_low=low,
            auc_high=high,
            gini=2 * rank.auc - 1,
            ks=rank.ks,
            auc_pr=rank.auc_pr,
            log_loss=errors.log_loss_sum / errors.weight,
            brier=errors.squared_error_sum / errors.weight,
            rows=errors.rows,
            defaults=errors.defaults,
            threshold=threshold,
            accuracy=(errors.tp + errors.tn) / errors.weight,
            precision=_share(errors.tp, predicted),
            recall=_share(errors.tp, actual),
            f1=_share(2 * errors.tp, predicted + actual),
            tp=errors.tp,
            fp=errors.fp,
            tn=errors.tn,
            fn=errors.fn,
        )

    @property
    def at_threshold(self) -> dict[str, float]:
        """What else the confusion matrix tells, by name; approved means below the threshold."""
        tp, fp, tn, fn = self.tp, self.fp, self.tn, self.fn
        total = tp + fp + tn + fn
        by_chance = ((tp + fp) * (tp + fn) + (tn + fn) * (tn + fp)) / (total * total)
        specificity, recall = _share(tn, tn + fp), _share(tp, tp + fn)
        return {
            "specificity": specificity,
            "negative_predictive_value": _share(tn, tn + fn),
            "balanced_accuracy": (specificity + recall) / 2,
            "mcc": _share(tp * tn - fp * fn, math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
            "kappa": _share((tp + tn) / total - by_chance, 1 - by_chance),
            "false_positive_rate": _share(fp, tn + fp),
            "false_negative_rate": _share(fn, tp + fn),
            "approval_rate": (tn + fn) / total,
            "bad_rate_of_approved": _share(fn, tn + fn),
        }

    def to_dict(self) -> dict[str, float | int]:
        """Metric name to number, in the order a reader wants them."""
        return dataclasses.asdict(self) | self.at_threshold


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


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
