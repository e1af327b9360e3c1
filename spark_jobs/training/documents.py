"""What a model of any objective needs beside its file to answer."""

from __future__ import annotations

from arrears.contracts.job_configs.training_job import TrainingRun
from arrears.scoring.document import ModelDocument
from spark_jobs.engines.interface import FittedModel, TrainingSpec
from spark_jobs.engines.objective_interface import ObjectiveRows


def document_of(run: TrainingRun, inputs: TrainingSpec | ObjectiveRows, fitted: FittedModel) -> ModelDocument:
    """The document of a model: its raw inputs and preparation. Calibration, cut-off and limits are added later.

    Args:
        inputs: what the engine was given. Of the objectives, only default takes texts and encoded categories.
    """
    texts, encoded = (inputs.text, inputs.encoded) if isinstance(inputs, TrainingSpec) else ((), ())
    return ModelDocument(
        dataset=run.dataset,
        dataset_version=run.dataset_version,
        engine=fitted.engine,
        numeric=inputs.numeric,
        categorical=inputs.categorical,
        text=texts,
        encoded=encoded,
        preparation=inputs.preparation,
        example=fitted.example,
        model_format=fitted.model_format,
        task=run.task,
    )
