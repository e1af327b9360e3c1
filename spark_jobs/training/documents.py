"""What a model of any objective needs beside its file to answer."""

from __future__ import annotations

from arrears.contracts.job_configs.training_job import TrainingRun
from arrears.scoring.document import ModelDocument
from spark_jobs.engines.interface import FittedModel, TrainingSpec
from spark_jobs.engines.objective_interface import ObjectiveRows


def document_of(run: TrainingRun, given: TrainingSpec | ObjectiveRows, fitted: FittedModel) -> ModelDocument:
    """Names the model's raw inputs and what is done to them; without calibration, cut-off and limits, which come later.

    Args:
        given: what the engine was given; of the objectives, only default takes texts and encoded categories.
    """
    texts, encoded = (given.text, given.encoded) if isinstance(given, TrainingSpec) else ((), ())
    return ModelDocument(
        dataset=run.dataset,
        dataset_version=run.dataset_version,
        engine=fitted.engine,
        numeric=given.numeric,
        categorical=given.categorical,
        text=texts,
        encoded=encoded,
        preparation=given.preparation,
        example=fitted.example,
        model_format=fitted.model_format,
        task=run.task,
    )
