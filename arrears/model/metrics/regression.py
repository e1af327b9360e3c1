"""How close estimated losses are to actual ones, from sums that Spark made."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import sqrt
from typing import Any

from arrears.model.metrics.intervals import Z_95


@dataclass(frozen=True)
class RegressionSums:
    """Everything that the metrics of a regression need. Its size does not grow with the rows.

    Attributes:
        deviations: sum of squared distances of the actual values from their mean.
        error_squares, cross_products, deviation_squares: sums over rows of a², a·b and b², where a is the squared
            error of a row and b its squared distance from the mean.
        rank_products, actual_ranks, estimate_ranks: sums of products and of squares of ranks less their mean. Equal
            values share the mean of their ranks.
    """

    rows: int
    actual_mean: float
    estimate_mean: float
    deviations: float
    squared_errors: float
    absolute_errors: float
    error_squares: float
    cross_products: float
    deviation_squares: float
    rank_products: float
    actual_ranks: float
    estimate_ranks: float


@dataclass(frozen=True)
class Regression:
    """The metrics of a loss model on rows that it has not seen.

    Attributes:
        rmse: root of the mean squared error, in the unit of the loss.
        mae: mean absolute error, in the unit of the loss.
        r2: share of the losses' variance that is explained. Below 0 for a model worse than the mean. Of losses that are
            all alike it is 1 for a perfect model, else 0 (as scikit-learn has it).
        r2_low: lower end of its 95 % interval, by the delta method: R² = 1 - mean(a) / mean(b) of the rows' squared
            errors a and squared distances b from the mean.
        spearman: correlation of the ranks (Spearman 1904). 0 where either side does not vary.
        bias: mean estimate less mean loss.
    """

    rows: int
    rmse: float
    mae: float
    r2: float
    r2_low: float
    spearman: float
    mean_loss: float
    mean_estimate: float
    bias: float

    @classmethod
    def from_sums(cls, sums: RegressionSums) -> Regression:
        """Turns sums into metrics."""
        ranks = sqrt(sums.actual_ranks * sums.estimate_ranks)
        constant = float(sums.squared_errors == 0)
        r2 = 1 - sums.squared_errors / sums.deviations if sums.deviations > 0 else constant
        return cls(
            rows=sums.rows,
            rmse=sqrt(sums.squared_errors / sums.rows),
            mae=sums.absolute_errors / sums.rows,
            r2=r2,
            r2_low=r2 - Z_95 * _r2_error(sums, 1 - r2),
            spearman=sums.rank_products / ranks if ranks > 0 else 0.0,
            mean_loss=sums.actual_mean,
            mean_estimate=sums.estimate_mean,
            bias=sums.estimate_mean - sums.actual_mean,
        )

    def to_dict(self) -> dict[str, float | int]:
        """Metric name to number, in the order a reader wants them."""
        return dataclasses.asdict(self)


def _r2_error(sums: RegressionSums, unexplained: float) -> float:
    """The standard error of R². The estimate of the mean itself adds nothing of the first order."""
    if sums.deviations <= 0:
        return 0.0
    squares = sums.error_squares - 2 * unexplained * sums.cross_products + unexplained**2 * sums.deviation_squares
    return sqrt(max(squares, 0.0)) / sums.deviations


@dataclass(frozen=True, order=True)
class LossGroup:
    """A tenth of the loans by estimated loss: the mean estimated and the mean actual loss."""

    mean_estimate: float
    mean_loss: float
    rows: int


@dataclass(frozen=True)
class LossEvaluation:
    """All that an evaluation of a loss model finds.

    Attributes:
        groups: calibration by tenths of the estimate.
        estimates, losses: loans in equal bins on [0, ``limit``].
        rmse_of_mean: the error of always saying the mean of these losses: their standard deviation.
    """

    figures: Regression
    groups: tuple[LossGroup, ...]
    estimates: tuple[int, ...]
    losses: tuple[int, ...]
    limit: float
    rmse_of_mean: float

    def metrics(self) -> dict[str, float]:
        """The figures by name, as MLflow keeps them."""
        return {**self.figures.to_dict(), "rmse_of_mean": self.rmse_of_mean}

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, for JSON."""
        return {**self.metrics(), **{k: v for k, v in dataclasses.asdict(self).items() if k != "figures"}}
