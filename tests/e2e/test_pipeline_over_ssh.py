"""A whole stack whose Airflow submits over SSH; what follows runs over SSH too."""

from __future__ import annotations

import sys
from pathlib import Path

import pyspark
import pytest

from arrears.contracts.addresses import Table
from tests.e2e.running_stack import AS_OF, Done, RunningStack
from tests.e2e.ssh_server import SshServer, sshd  # noqa: F401  # a fixture

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]


def test_inference_over_ssh_gives_the_same_scores(
    stack: RunningStack,
    first_demo: Done,
    sshd: SshServer,  # noqa: F811  # the fixture
    tmp_path: Path,
) -> None:
    before = stack.rows(Table.TEST_SAMPLE_INFERENCE, AS_OF).set_index("sample_id")
    connection = sshd.connection(
        spark_submit=str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        master=f"spark://127.0.0.1:{stack.settings.ports.spark_master}",
        env_file=str(stack.settings.state / "stack.env"),
        python=sys.executable,
        remote_folder=str(tmp_path / "node"),
    )
    stack.up(ARREARS_TRANSPORT="ssh", AIRFLOW_CONN_ARREARS_SSH=connection)

    run_id = stack.airflow.trigger("inference", conf={}, partition_key=AS_OF)
    run = stack.ended_run("inference", run_id)

    assert run.state == "success", stack.task_log("inference", run_id, "score_borrowers")
    assert "runs on the node in" in stack.task_log("inference", run_id, "score_borrowers")
    after = stack.rows(Table.TEST_SAMPLE_INFERENCE, AS_OF).set_index("sample_id")
    assert after["default_probability"].to_dict() == before["default_probability"].to_dict()
    assert (after["scored_at"] > before["scored_at"].max()).all()
    assert list((tmp_path / "node").iterdir()) == []
