"""How good a model is, from sums: Spark reduces millions of scores to them, this module turns them into metrics.

Definitions (all checked against scikit-learn 1.9 to 1e-9):

* AUC: the chance that a defaulter scores above a non-defaulter, ties counting half (Mann-Whitney; `roc_auc_score`).
* Gini: 2 x AUC - 1.
* KS: the largest gap between the shares of defaulters and of non-defaulters at or above a score, max(TPR - FPR) over
  distinct scores (`scipy.stats.ks_2samp`, one-sided, so that a model that ranks the wrong way round gets 0).
* AUC-PR: the sum over distinct scores, falling, of (recall gained) x precision (`average_precision_score`).
* Log-loss: mean of -log(probability given to what happened), probabilities clipped to the float64 machine epsilon.
* Brier: mean squared distance between probability and outcome.
* Accuracy, precision, recall, F1 and more at a cut-off: a score at or above it predicts default. 0 / 0 counts as 0.

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
    from arrears.model.metrics.rank_sums import RankSums

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
    """How well a model separates defaulters from good borrowers, on rows that it has not seen.

    ``auc_low`` and ``auc_high`` are its 95 % interval, DeLong's or of the bootstrap. ``confusion`` is None where no
    cut-off is set: nothing says then who would be declined. The module's docstring defines each metric.
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
    confusion: Confusion | None = None

    @classmethod
    def from_sums(
        cls,
        rank: RankSums,
        errors: ErrorSums,
        *,
        threshold: float | None,
        auc_interval: tuple[float, float] | None = None,
    ) -> Evaluation:
        """Turns sums into metrics.

        Args:
            threshold: at which the sums were counted. None: no cut-off is set.
            auc_interval: of the bootstrap. None: DeLong's.

        Raises:
            BadInput: no rows, or rows of one class only: ranking metrics do not exist then.
        """
        check_both_classes(errors.rows, errors.defaults)
        low, high = auc_interval or rank.auc_interval
        return cls(
            auc=rank.auc,
            auc_low=low,
            auc_high=high,
            gini=rank.gini,
            ks=rank.ks,
            auc_pr=rank.auc_pr,
            log_loss=errors.log_loss_sum / errors.weight,
            brier=errors.squared_error_sum / errors.weight,
            rows=errors.rows,
            defaults=errors.defaults,
            confusion=None
            if threshold is None
            else Confusion(threshold, tp=errors.tp, fp=errors.fp, tn=errors.tn, fn=errors.fn),
        )

    def to_dict(self) -> dict[str, float | int]:
        """Metric name to number, in the order a reader wants them."""
        figures = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del figures["confusion"]
        return figures | (self.confusion.to_dict() if self.confusion else {})


@dataclass(frozen=True)
class Confusion:
    """Right and wrong calls at a cut-off, weighted where the evaluation is, and what follows from them.

    Attributes:
        threshold: the cut-off. A score at or above it is flagged and declined.
        tp, fp, tn, fn: defaulters flagged, good borrowers flagged, good ones approved, defaulters approved.
    """

    threshold: float
    tp: float
    fp: float
    tn: float
    fn: float

    def to_dict(self) -> dict[str, float]:
        """Metric name to number."""
        tp, fp, tn, fn = self.tp, self.fp, self.tn, self.fn
        total, flagged, actual = tp + fp + tn + fn, tp + fp, tp + fn
        by_chance = (flagged * actual + (tn + fn) * (tn + fp)) / (total * total)
        specificity, recall = _share(tn, tn + fp), _share(tp, actual)
        return {
            "threshold": self.threshold,
            "accuracy": (tp + tn) / total,
            "precision": _share(tp, flagged),
            "recall": recall,
            "f1": _share(2 * tp, flagged + actual),
            **{"tp": tp, "fp": fp, "tn": tn, "fn": fn},
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


def check_both_classes(rows: int, defaults: int) -> None:
    """Refuses rows on which no model can be measured: none at all, or all of one class.

    Raises:
        BadInput: with the counts and what to do.
    """
    if rows == 0:
        raise BadInput("there are no scored rows to measure the model on: check the held-out set and its version")
    if defaults in (0, rows):
        defaulted = "none" if defaults == 0 else "all"
        raise BadInput(
            f"{defaulted} of the {rows} held-out rows defaulted; metrics need both classes: "
            "hold out more rows, or check how the target is declared"
        )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
