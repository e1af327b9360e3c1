"""The MLflow side of a model: its run, its files, its place in the registry, and who is champion.

Server and credentials come from ``MLFLOW_TRACKING_URI``, ``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD``.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.tables.column_names import SCORE
from arrears.stores.model_code import write_entry, write_package
from arrears.stores.model_notes import AS_OF_TAG, RUN_URL_TAG, model_note, version_note
from arrears.stores.model_registry import ABSENT, CHAMPION, LONGEST_TAG, translate_outages

MODEL_FOLDER = "model"
# Without it MLflow opens on its pages about language models, where no run is in sight.
_AS_MODELS = "?workflowType=machine_learning"
_ANSWER: Mapping[str, Any] = MappingProxyType({SCORE: 0.5})


@dataclass(frozen=True)
class ModelFiles:
    """A model as it is kept: its file, such as ``model.cbm``, and the JSON document beside it."""

    model: bytes
    document: str
    name: str = "model.cbm"


class Models:
    """Logs, registers and finds models in MLflow."""

    def __init__(self) -> None:
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            raise BadConfiguration("MLFLOW_TRACKING_URI is not set: the job does not know its MLflow server")
        # A pickle in the registry could run code of whoever wrote it.
        os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"

    @contextmanager
    def run(
        self, experiment: str, name: str, *, parameters: Mapping[str, Any], tags: Mapping[str, str]
    ) -> Iterator[str]:
        """Opens an MLflow run, which ends as failed when the block raises. Yields its id."""
        translate_outages(self._mlflow.set_experiment)(experiment)
        with translate_outages(self._mlflow.start_run)(run_name=name, tags=dict(tags)) as run:
            translate_outages(self._mlflow.log_params)(dict(parameters))
            yield run.info.run_id

    @translate_outages
    def log_model(
        self,
        files: ModelFiles,
        *,
        features: Mapping[str, str],
        example: Mapping[str, Any],
        requirements: list[str],
        answer: Mapping[str, Any] = _ANSWER,
    ) -> None:
        """Keeps the model in the open run, with a signature and a made-up example, loadable without any pickle.

        Any type is let through by the signature: MLflow would refuse whole numbers where a feature has fractions, and a
        borrower whose only value is missing. The model checks types itself and names all that do not fit.

        Args:
            features: column that a borrower brings → ``number`` or ``text``.
            example, answer: one made-up borrower, and what the model's answer looks like.
        """
        import pandas
        from mlflow.models import ModelSignature, infer_signature
        from mlflow.types.schema import AnyType, ColSpec, Schema

        example_rows = pandas.DataFrame([{name: example.get(name) for name in features}])
        any_type = AnyType()  # type: ignore[no-untyped-call, unused-ignore]
        answered_as = infer_signature(model_output=pandas.DataFrame([dict(answer)])).outputs
        with tempfile.TemporaryDirectory() as folder:
            model, document = Path(folder, files.name), Path(folder, "document.json")
            model.write_bytes(files.model)
            document.write_text(files.document)
            self._mlflow.pyfunc.log_model(
                name=MODEL_FOLDER,
                python_model=str(write_entry(Path(folder))),
                artifacts={"model": str(model), "document": str(document), "code": str(write_package(Path(folder)))},
                pip_requirements=requirements,
                input_example=example_rows,
                signature=ModelSignature(Schema([ColSpec(any_type, name) for name in features]), answered_as),
                metadata={"features": dict(features)},
            )

    @translate_outages
    def log_results(
        self, run_id: str, metrics: Mapping[str, float], files: Mapping[str, bytes], tags: Mapping[str, str]
    ) -> None:
        """Adds plots and pages to a finished run, then its metrics and tags in one request.

        Args:
            tags: what the metrics are about. Metrics of an earlier call with tags of these names become NaN where this
                call has none of the name: nobody may take them for figures of this one.
        """
        from mlflow.entities import Metric, RunTag

        if files:
            with tempfile.TemporaryDirectory() as folder:
                for name, body in files.items():
                    Path(folder, name).write_bytes(body)
                self._client.log_artifacts(run_id, folder, artifact_path="evaluation")
        all_tags, all_metrics, names = dict(tags), dict(metrics), ",".join(sorted(metrics))
        if tags and len(names) <= LONGEST_TAG:
            listed = f"{min(tags)}.metrics"
            earlier = self._client.get_run(run_id).data.tags.get(listed, "")
            all_metrics |= {name: math.nan for name in earlier.split(",") if name and name not in metrics}
            all_tags[listed] = names
        now = int(time.time() * 1000)
        self._client.log_batch(
            run_id,
            metrics=[Metric(name, float(value), now, 0) for name, value in all_metrics.items()],
            tags=[RunTag(name, text) for name, text in all_tags.items()],
        )

    @translate_outages
    def tag_run(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Sets tags of a run, in one request."""
        from mlflow.entities import RunTag

        self._client.log_batch(run_id, tags=[RunTag(name, text) for name, text in tags.items()])

    @translate_outages
    def log_dataset(self, run_id: str, *, name: str, digest: str, source: str) -> None:
        """Says in MLflow's own terms which data the run was trained on."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(name=name, digest=digest, source_type="delta", source=source)
        self._client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])

    @translate_outages
    def files_of_run(self, run_id: str) -> ModelFiles:
        """The model that a run logged."""
        return self._files(f"runs:/{run_id}/{MODEL_FOLDER}")

    @translate_outages
    def files_of_version(self, name: str, version: str) -> ModelFiles:
        """The model of one registry version."""
        return self._files(f"models:/{name}/{version}")

    @translate_outages
    def run_facts(self, run_id: str) -> tuple[dict[str, float], dict[str, str], dict[str, str]]:
        """Metrics, parameters and tags of a run."""
        data = self._client.get_run(run_id).data
        return dict(data.metrics), dict(data.params), dict(data.tags)

    @translate_outages
    def register(self, run_id: str, name: str, *, tags: Mapping[str, str]) -> str:
        """Gives the run's model a described registry version. Asked again, it returns the same version."""
        from mlflow.exceptions import MlflowException

        present = self._version_of_run(run_id, name)
        if present is not None:
            return present
        try:
            self._client.create_registered_model(name, description=model_note(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        run = self._client.get_run(run_id)
        origin = {tag: run.data.tags[tag] for tag in (AS_OF_TAG, RUN_URL_TAG) if run.data.tags.get(tag)}
        made = self._mlflow.register_model(f"runs:/{run_id}/{MODEL_FOLDER}", name, tags={**origin, **tags})
        # A request whose answer was lost is sent again and makes a second version: the first counts.
        version = self._version_of_run(run_id, name) or str(made.version)
        note = version_note(name, run.info.run_name, run.data.tags, run.data.metrics, self.run_url(run_id))
        self._client.update_model_version(name, version, description=note)
        return version

    def _version_of_run(self, run_id: str, name: str) -> str | None:
        versions = self._client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
        return str(min(int(version.version) for version in versions)) if versions else None

    @translate_outages
    def champion(self, name: str) -> str | None:
        """The registry version that is champion now. None when there is none yet."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self._client.get_model_version_by_alias(name, CHAMPION).version)
        except MlflowException as error:
            if error.error_code in ABSENT:
                return None
            raise

    @translate_outages
    def run_of_version(self, name: str, version: str) -> str:
        """The MLflow run that a registry version came from. BadConfiguration where there is no such version."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self._client.get_model_version(name, version).run_id)
        except MlflowException as error:
            if error.error_code in ABSENT:
                raise BadConfiguration(f"version {version} of {name} is not in the registry any more") from None
            raise

    @translate_outages
    def run_url(self, run_id: str) -> str:
        """The page of a run in MLflow's interface."""
        experiment = self._client.get_run(run_id).info.experiment_id
        return f"{os.environ['MLFLOW_TRACKING_URI'].rstrip('/')}/#/experiments/{experiment}/runs/{run_id}{_AS_MODELS}"

    @cached_property
    def _mlflow(self) -> Any:
        import mlflow

        return mlflow

    @cached_property
    def _client(self) -> Any:
        return self._mlflow.MlflowClient()

    def _files(self, uri: str) -> ModelFiles:
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory() as folder:
            try:
                downloaded = Path(self._mlflow.artifacts.download_artifacts(f"{uri}/artifacts", dst_path=folder))
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    raise UpstreamNotReady(f"{uri} is not in MLflow: train a model first") from None
                raise
            (model,) = downloaded.glob("model.*")
            return ModelFiles(model.read_bytes(), (downloaded / "document.json").read_text(), model.name)
