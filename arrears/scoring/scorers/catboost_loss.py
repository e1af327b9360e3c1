"""CatBoost's regression of a loss: its own model file (.cbm)."""

from __future__ import annotations

from typing import Any

import numpy as np

from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.catboost_trees import CatBoostTrees

LOGARITHMIC = ("Poisson", "Tweedie")  # of these losses CatBoost keeps the logarithm of the estimate


class CatBoostLoss(CatBoostTrees):
    """A loaded CatBoost regressor. Its contributions are in the model's own unit (the loss, or its logarithm)."""

    @classmethod
    def from_bytes(cls, content: bytes) -> CatBoostLoss:
        """Reads the bytes of a ``.cbm`` file."""
        from catboost import CatBoostRegressor

        return cls(CatBoostRegressor().load_model(blob=content))

    def estimates(self, inputs: Any) -> Numbers:
        """The expected loss of each row."""
        raw = np.asarray(self.model.predict(inputs, prediction_type="RawFormulaVal"), dtype=np.float64)
        return np.exp(raw) if self._is_logarithmic() else raw

    def _is_logarithmic(self) -> bool:
        # A loaded model has forgotten what its raw numbers mean, but not what it was trained for.
        return str(self.model.get_all_params()["loss_function"]).startswith(LOGARITHMIC)
