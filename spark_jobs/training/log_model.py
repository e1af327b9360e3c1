"""What a training leaves in MLflow: the model with its document, the data it was trained on, and its figures."""

from __future__ import annotations

from importlib.metadata import version

from arrears.contracts.addresses import Table
from arrears.contracts.engines import FORMATS
from arrears.contracts.job_configs.training_job import TrainingRun
from arrears.scoring.answers import EXAMPLES
from arrears.scoring.document import ModelDocument
from arrears.stores.models import ModelFiles, Models
from spark_jobs.engines.interface import FittedModel

REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyarrow")


def keep_model(models: Models, run_id: str, run: TrainingRun, fitted: FittedModel, document: ModelDocument) -> None:
    """Logs a trained model of any objective in the open MLflow run."""
    files = ModelFiles(fitted.model, document.to_json(), fitted.file_name)
    packages = (*REQUIREMENTS, *FORMATS[fitted.model_format].packages)
    requirements = [f"{package}=={version(package)}" for package in packages]
    features = {name: "text" if name in document.texts else "number" for name in document.features}
    models.log_model(
        files, features=features, example=fitted.example, answer=EXAMPLES[document.task], requirements=requirements
    )
    source = run.addresses.table(Table.TRAIN, run.dataset)
    models.log_dataset(run_id, name=run.dataset, digest=run.dataset_version, source=source)
    models.log_results(run_id, fitted.numbers(), {}, {})
