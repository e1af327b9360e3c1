"""What people call the metrics that rules, logs and figures name by their identifiers."""

from __future__ import annotations

import re

_NAMES = {
    "auc_difference_low": "lower end of the 95 % interval of the AUC's difference to the champion",
    "auc_difference_high": "upper end of the 95 % interval of the AUC's difference to the champion",
    "auc_difference": "AUC's difference to the champion",
    "auc_low": "lower end of the AUC's 95 % interval",
    "auc_high": "upper end of the AUC's 95 % interval",
    "auc_pr": "AUC-PR",
    "auc": "AUC",
    "gini": "Gini",
    "ks": "KS",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "ece": "calibration error",
    "psi": "score PSI",
    "r2_low": "lower end of the 95 % interval of R²",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "popularity_ndcg": "NDCG of offering what most hold",
    "ndcg": "NDCG",
}
# Whole names alone: none that is part of a longer one, such as auc_of_next_year.
_NAME = re.compile(r"(?<![\w.])(" + "|".join(_NAMES) + r")(?!\w)")


def in_words(text: str) -> str:
    """A rule or its reason with the metrics called as people call them."""
    return _NAME.sub(lambda match: _NAMES[match[1]], text)
