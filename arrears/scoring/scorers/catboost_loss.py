"""CatBoost's regression of a loss: its own model file (.cbm)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from arrears.scoring.scorers import Numbers

LOGARITHMIC = ("Poisson", "Tweedie")  # of these losses CatBoost keeps the logarithm of the estimate


@dataclass(frozen=True)
class CatBoostLoss:
    """A loaded CatBoost regressor."""

    model: Any

    @classmethod
    def from_bytes(cls, content: bytes) -> CatBoostLoss:
        """Reads the bytes of a ``.cbm`` file."""
        from catboost import CatBoostRegressor

        return cls(CatBoostRegressor().load_model(blob=content))

    def estimates(self, inputs: Any) -> Numbers:
        """The expected loss of each row."""
        raw = np.asarray(self.model.predict(inputs, prediction_type="RawFormulaVal"), dtype=np.float64)
        return np.exp(raw) if self._is_logarithmic() else raw

    def contributions(self, inputs: Any) -> Numbers:
        """SHAP values of each row, in the model's own unit (the loss, or its logarithm)."""
        from catboost import Pool

        values = self.model.get_feature_importance(Pool(inputs), type="ShapValues")
        return np.asarray(values, dtype=np.float64)

    def importance(self) -> tuple[float, ...]:
        """CatBoost's PredictionValuesChange."""
        return tuple(map(float, self.model.get_feature_importance()))

    def _is_logarithmic(self) -> bool:
        # A loaded model has forgotten what its raw numbers mean, but not what it was trained for.
        return str(self.model.get_all_params()["loss_function"]).startswith(LOGARITHMIC)
