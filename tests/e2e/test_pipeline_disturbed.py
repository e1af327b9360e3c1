"""A stack that loses an executor, its MLflow or its S3 server while it works."""

from __future__ import annotations

import os
import re
import signal

import pytest

from arrears.contracts.addresses import Table
from local.stack.supervisor import Supervisor
from tests.e2e.running_stack import AS_OF, Done, RunningStack, eventually
from tests.e2e.trainings import Training, executors_at_work, reads_archive

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def patient(stack: RunningStack, first_demo: Done) -> Training:
    """A training that has ended well although MLflow was away in its middle."""
    supervisor = Supervisor(stack.settings)
    training = Training(stack, "patient", stack.version_in_force)
    training.says("training 1 shard(s)")
    supervisor.stop("mlflow", wait=True)
    try:
        for _ in range(3):
            training.says("Retrying")
    finally:
        stack.up()
    assert training.ended() == 0, training.told
    return training


# Shorter: MLflow away in tests/stores/test_registry.py, a lost task in tests/spark/engines/test_catboost_choices.py.
@pytest.mark.full
def test_training_waits_while_mlflow_is_away_and_logs_one_run(stack: RunningStack, patient: Training) -> None:
    assert len(patient.scores()) == len(stack.rows(Table.TEST_SAMPLE, AS_OF))


@pytest.mark.full
def test_executor_killed_in_the_middle_of_a_training_costs_its_task_alone(
    stack: RunningStack, patient: Training
) -> None:
    disturbed = Training(stack, "disturbed", stack.version_in_force)
    disturbed.says("training 1 shard(s)")
    for executor in eventually(lambda: executors_at_work(stack), "a task that trains", seconds=60):
        assert reads_archive(executor)
        executor.kill()

    assert disturbed.ended() == 0, disturbed.told
    assert re.search(r"Lost (task|executor)", disturbed.told), disturbed.told
    assert disturbed.scores() == patient.scores()


def test_killed_part_is_restarted_and_shown(stack: RunningStack, first_demo: Done) -> None:
    before = stack.part("s3")
    assert "  0  " in next(line for line in stack.command("local.stack", "status").stdout.splitlines() if "s3 " in line)

    os.kill(before.pid, signal.SIGKILL)

    def restarted() -> bool:
        part = stack.part("s3")
        return part.state == "RUNNING" and part.pid != before.pid

    eventually(restarted, "a new S3 server", seconds=30)
    shown = stack.command("local.stack", "status")
    assert shown.returncode == 0, shown.stdout
    assert re.search(r"^s3 +RUNNING +\d+ +\d+ s +1 ", shown.stdout, re.MULTILINE)
    assert len(stack.rows(Table.TEST_SAMPLE, AS_OF)) == stack.manifest(Table.TEST_SAMPLE, AS_OF)["rows"]
