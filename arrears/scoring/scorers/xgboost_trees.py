"""XGBoost's own model file (UBJSON)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.plain_tables import checked, in_hundred, sigmoid


@dataclass(frozen=True)
class XGBoostTrees:
    """A loaded XGBoost booster of a binary target."""

    booster: Any

    @classmethod
    def from_bytes(cls, content: bytes) -> XGBoostTrees:
        """Reads the bytes of a ``.ubj`` file."""
        from xgboost import Booster

        return cls(Booster(model_file=bytearray(content)))

    def estimates(self, inputs: Any) -> Numbers:
        """The default probability of each row."""
        checked(inputs, self.booster.num_features())
        margins = self.booster.inplace_predict(inputs, predict_type="margin")
        return sigmoid(np.asarray(margins, dtype=np.float64))

    def contributions(self, inputs: Any) -> Numbers:
        """SHAP values of each row, in log-odds (Lundberg et al. 2020, TreeSHAP as XGBoost computes it)."""
        from xgboost import DMatrix

        largest = np.finfo(np.float32).max
        # A DMatrix refuses infinity; no split lies beyond the largest number, so it falls into the same leaves.
        finite = np.clip(checked(inputs, self.booster.num_features()), -largest, largest)
        return np.asarray(self.booster.predict(DMatrix(finite), pred_contribs=True), dtype=np.float64)

    def importance(self) -> tuple[float, ...]:
        """The gain in loss at all splits of each input."""
        gains = self.booster.get_score(importance_type="total_gain")
        return in_hundred([gains.get(f"f{number}", 0.0) for number in range(self.booster.num_features())])
