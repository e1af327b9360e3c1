"""CatBoost's own model file (.cbm), exact or merged from shards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from arrears.scoring.scorers import Numbers


@dataclass(frozen=True)
class CatBoostTrees:
    """A loaded CatBoost classifier."""

    model: Any

    @classmethod
    def from_bytes(cls, content: bytes) -> CatBoostTrees:
        """Reads the bytes of a ``.cbm`` file."""
        from catboost import CatBoostClassifier

        return cls(CatBoostClassifier().load_model(blob=content))

    def estimates(self, inputs: Any) -> Numbers:
        """The default probability of each row."""
        logits = self.model.predict(inputs, prediction_type="RawFormulaVal")
        # Our own sigmoid, in float64: the same for exact and merged models, and for every front end.
        return 1.0 / (1.0 + np.exp(-np.asarray(logits, dtype=np.float64)))

    def contributions(self, inputs: Any) -> Numbers:
        """SHAP values of each row, in log-odds (Lundberg et al. 2020, TreeSHAP as CatBoost computes it)."""
        from catboost import Pool

        pool = inputs if isinstance(inputs, Pool) else Pool(inputs)
        values = self.model.get_feature_importance(pool, type="ShapValues")
        return np.asarray(values, dtype=np.float64)

    def importance(self) -> tuple[float, ...]:
        """CatBoost's PredictionValuesChange."""
        return tuple(map(float, self.model.get_feature_importance()))
