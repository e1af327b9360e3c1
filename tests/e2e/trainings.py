"""Trainings by hand on a running stack, which register and promote nothing, and the processes that do their work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mlflow
import psutil
import pyarrow as pa

from arrears.contracts.addresses import Table
from arrears.scoring.batch import default_probabilities
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from arrears.stores.model_notes import RUN_LABEL_TAG
from arrears.stores.models import Models
from local.stack.processes import members
from tests.e2e.running_stack import AS_OF, RunningStack


class Training:
    """One training, begun; it is long enough for something to happen to it."""

    def __init__(self, stack: RunningStack, label: str, dataset_version: str) -> None:
        self._stack, self._label, self.told = stack, label, ""
        flags = ["--dataset-version", dataset_version, "--run-label", label, "--iterations", "1500"]
        flags += ["--early-stopping-rounds", "1500", "--learning-rate", "0.01", "--refit", "False"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ops.submit_job", "train_model", "--", *flags],
            env=stack.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def says(self, text: str) -> None:
        """Reads its output up to the next line with the text."""
        line = ""
        while text not in line:
            line = self._process.stdout.readline() if self._process.stdout else ""
            assert line, self.told
            self.told += line

    def ended(self) -> int:
        """Its exit status, once it has ended; ``told`` is all that it said."""
        rest, _ = self._process.communicate(timeout=600)
        self.told += rest
        return self._process.returncode

    def scores(self) -> list[float]:
        """What its model, the only one of its label, says of the day's borrowers.

        The bytes of two model files always differ.
        """
        found = mlflow.search_runs(
            experiment_names=["arrears/lending_club"], filter_string=f"tags.`{RUN_LABEL_TAG}` = '{self._label}'"
        )
        (run_id,) = found["run_id"]
        files = Models().files_of_run(run_id)
        document = ModelDocument.from_json(files.document)
        rows = pa.Table.from_pandas(self._stack.rows(Table.TEST_SAMPLE, AS_OF), preserve_index=False)
        return default_probabilities(rows, load_scorer(document.model_format, files.model), document).tolist()


def executors(stack: RunningStack) -> list[psutil.Process]:
    """The executors that run now."""
    return [member for member in members(str(stack.settings.state)) if mentions(member, "CoarseGrainedExecutor")]


def executors_at_work(stack: RunningStack) -> list[psutil.Process]:
    """Executors with a Python worker that has computed for some seconds: CatBoost is at its trees."""
    return [e for e in executors(stack) if any(_seconds_worked(w) > 3 for w in e.children(recursive=True))]


def reads_archive(process: psutil.Process) -> bool:
    """Whether a JVM has the archive of Spark's classes open; where the system does not tell, whether it should."""
    if not hasattr(process, "memory_maps"):
        return mentions(process, "-XX:SharedArchiveFile=")
    try:
        return any(Path(opened.path).match("classes-*.jsa") for opened in process.memory_maps())
    except psutil.Error:
        return False  # it has ended, or is no JVM yet


def mentions(process: psutil.Process, text: str) -> bool:
    """Whether a process has a text in its command line."""
    try:
        return any(text in word for word in process.cmdline())
    except psutil.Error:
        return False


def _seconds_worked(process: psutil.Process) -> float:
    try:
        return float(process.cpu_times().user)
    except psutil.Error:
        return 0.0
