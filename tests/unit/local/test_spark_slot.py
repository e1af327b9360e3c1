"""`make submit` while the cluster is full: it waits, says for what, and goes on by itself."""

from __future__ import annotations

from typing import Any

import pytest

from arrears.contracts.errors import UpstreamNotReady
from include.cluster_sizes import DRIVER_ONLY, SMALL
from local import spark_slot
from local.progress import Progress
from local.spark_slot import ExecutorSize, executor_size, master_page, wait_for_slot
from local.stack_settings import Ports

SIZE = ExecutorSize(2, 1024)
TRAINING = {"name": "training.train_model", "cores": 4, "duration": 125_000}


def told(free: int, state: str = "ALIVE", **more: Any) -> dict[str, Any]:
    """The master's page with one worker of two cores."""
    worker = {"state": state, "cores": 2, "memory": 4096, "coresfree": free, "memoryfree": 2048 * free}
    return {"workers": [worker], "activeapps": [TRAINING] if not free else [], **more}


def test_size_is_what_the_command_asks_for() -> None:
    conf = [part for pair in SMALL.conf().items() for part in ("--conf", "=".join(pair))]
    assert executor_size(["spark-submit", *conf, "job.py"]) == SIZE
    assert executor_size(["spark-submit", *(f"{k}={v}" for k, v in DRIVER_ONLY.conf().items())]) is None


def test_it_waits_for_what_runs_and_says_what_that_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spark_slot, "LOOK_SECONDS", 0.0)
    pages = iter([told(0), told(0), told(1), told(2)])
    wait_for_slot(SIZE, lambda: next(pages), Progress())
    assert next(pages, None) is None
    (line,) = capsys.readouterr().out.splitlines()
    assert "waiting for 2 cores of Spark (Ctrl-C ends)" in line
    assert "running: training.train_model (4 cores, for 2 min 5 s)" in line


@pytest.mark.parametrize("page", [told(2, state="DEAD"), {"workers": []}, told(2, workers=[])])
def test_what_will_never_fit_is_not_waited_for(page: dict[str, Any]) -> None:
    with pytest.raises(UpstreamNotReady, match="no Spark worker has 2 cores and 1024 MB"):
        wait_for_slot(SIZE, lambda: page, Progress())


def test_a_stack_that_is_down_is_said_to_be_down() -> None:
    with pytest.raises(UpstreamNotReady, match="`make up` starts the stack"):
        master_page(Ports(spark_ui=9))
