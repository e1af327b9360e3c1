"""The MLflow flavour of an Arrears model (models-from-code: MLflow stores this file, no pickle)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow as pa


class ArrearsModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """Answers through MLflow's common interface: default probabilities, losses, segments or next products."""

    def load_context(self, context: Any) -> None:
        """Loads the model and its document by the code that was stored with them, unless this process runs Arrears."""
        if "arrears" not in sys.modules:
            sys.path.insert(0, context.artifacts["code"])
        from arrears.scoring.document import ModelDocument
        from arrears.scoring.scorers import load_scorer

        self._document = ModelDocument.from_json(Path(context.artifacts["document"]).read_bytes())
        self._scorer = load_scorer(self._document.model_format, Path(context.artifacts["model"]).read_bytes())

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Returns the columns that ``arrears.scoring.answers`` names, one row a borrower."""
        from arrears.scoring.answers import answers

        rows = pa.Table.from_pandas(model_input, preserve_index=False)
        answer_columns: pd.DataFrame = answers(rows, self._scorer, self._document).to_pandas()
        return answer_columns


mlflow.models.set_model(ArrearsModel())
