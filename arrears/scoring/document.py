"""What a model needs beside its trees so that anyone scores with it exactly as it was trained."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from arrears.contracts.objectives import DEFAULT
from arrears.model.fitting.calibration import Calibration
from arrears.model.metrics.cutoffs import Cutoff
from arrears.scoring.preparation import Preparation


@dataclass(frozen=True)
class LevelRates:
    """A category column turned into a number: level → share of training rows. An unseen level is 0."""

    column: str
    rates: dict[str, float]


@dataclass(frozen=True)
class ModelDocument:
    """The model's inputs and its scores on the training rows.

    Attributes:
        dataset, dataset_version: what it was trained on.
        engine: which library trained it, and its version.
        numeric: numeric columns that a borrower brings, in the order of the model's float inputs.
        categorical: category columns that a borrower brings, in the order of the model's category inputs.
        encoded: category features that were turned into numbers before the model. They follow ``numeric``.
        text: free-text columns that a borrower brings, the model's last inputs.
        score_quantiles: scores of the training rows at 0, 1/1000, … 1, from which risk limits are read.
        preparation: what is done to those columns before the model sees them. Empty: nothing.
        example: one made-up borrower (medians and commonest levels), never a real one.
        model_format: what the model's file is, for ``arrears.scoring.scorers.load_scorer``.
        calibration: turns the model's scores into calibrated probabilities. None: they are taken as they are.
        task: the model's objective, one of ``arrears.contracts.objectives``.
        loss_limit: of a loss model: no estimate lies above it.
        cutoff: from which default probability on an application is declined. None: a model of before cut-offs.
    """

    dataset: str
    dataset_version: str
    engine: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    encoded: tuple[LevelRates, ...] = ()
    score_quantiles: tuple[float, ...] = ()
    example: dict[str, float | str | None] = field(default_factory=dict)
    preparation: Preparation = field(default_factory=Preparation)
    model_format: str = "catboost"
    calibration: Calibration | None = None
    cutoff: Cutoff | None = None
    task: str = DEFAULT
    loss_limit: float | None = None
    text: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that a row must have to be scored."""
        return self.numeric + tuple(rates.column for rates in self.encoded) + self.categorical + self.text

    @property
    def texts(self) -> frozenset[str]:
        """Those of the features that hold text. All others hold numbers."""
        return frozenset((*self.categorical, *self.text, *(rates.column for rates in self.encoded)))

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the model itself sees, in its order: the features after their preparation."""
        numeric, categorical = self.preparation.outputs(self.numeric, self.categorical)
        return numeric + tuple(rates.column for rates in self.encoded) + categorical + self.text

    def to_json(self) -> str:
        """One JSON object, kept beside the model's file."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelDocument:
        """Reads a document."""
        fields: dict[str, Any] = json.loads(text)
        for name in ("numeric", "categorical", "text", "score_quantiles"):
            fields[name] = tuple(fields.get(name, ()))
        fields["encoded"] = tuple(LevelRates(**rates) for rates in fields.get("encoded", ()))
        fields["preparation"] = Preparation.from_dict(fields.get("preparation", {}))
        for name, kind in (("calibration", Calibration), ("cutoff", Cutoff)):
            if fields.get(name) is not None:
                fields[name] = kind.from_dict(fields[name])
        return cls(**fields)
