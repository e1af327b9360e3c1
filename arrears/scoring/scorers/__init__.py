"""Trained models in their stored formats, loaded without Spark and without any pickle.

A model is one file whose format the document beside it names. Whatever trained it, it is asked the same three things:
what it estimates for each borrower, what each input contributed to that, and how much each input matters overall.
"""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from arrears.contracts.engines import FORMATS
from arrears.contracts.errors import BadInput

Numbers = npt.NDArray[np.float64]


class Scorer(Protocol):
    """A trained model, ready to score. ``inputs`` is what ``arrears.scoring.batch.prepared_input`` makes of rows."""

    def estimates(self, inputs: Any) -> Numbers:
        """The default probability of each row, before any calibration. For a loss model, the expected loss."""
        ...

    def contributions(self, inputs: Any) -> Numbers | None:
        """What each input added to a row's log-odds (SHAP values): rows by inputs + 1, the base value last.

        None where the kind of model has no exact contributions.
        """
        ...

    def importance(self) -> tuple[float, ...]:
        """How much each input moves the estimates, all together 100, in the order of the model's inputs."""
        ...


def load_scorer(model_format: str, content: bytes) -> Scorer:
    """Reads a model file.

    Raises:
        BadInput: a format that this version does not know, or a file that is broken.
    """
    if not content:  # XGBoost ends the whole process on it
        raise BadInput(f"the model's file ({model_format}) is empty: train the model again")
    try:
        return _read(model_format, content)
    except (BadInput, ImportError):
        raise
    except Exception as error:  # each library has its own
        problem = f"the model's file ({model_format}, {len(content)} bytes) is broken ({type(error).__name__})"
        raise BadInput(f"{problem}: restore it, or train the model again") from error


def _read(model_format: str, content: bytes) -> Scorer:
    if model_format not in FORMATS:
        raise BadInput(f"the model's format {model_format!r} is unknown: it was trained by a newer version of Arrears")
    scorer: Scorer = scorer_reader(model_format)(content)
    return scorer


def scorer_reader(model_format: str) -> Any:
    """The function that reads a scorer from a file's bytes. Its library is imported here: others need not be there.

    Raises:
        ImportError: the format's library is not installed.
    """
    entry = FORMATS[model_format]
    return attrgetter(entry.reader)(import_module(f"arrears.scoring.scorers.{entry.module}"))
