"""A synthetic bank on a real stack: tables, feature store by backfill, data set, replay."""

from __future__ import annotations

from typing import Any

import pytest

from arrears.contracts.addresses import Table
from arrears.stores.objects import Objects
from tests.e2e.running_stack import RunningStack, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]

AS_OF = "2026-03-31"  # when the outcome of every decision is known
BANK = "synthetic_bank"
BUILT = "2023-06-01"
LOANS = 800


def done(stack: RunningStack, dag_id: str, **conf: Any) -> str:
    """A run of a DAG by its form, ended well."""
    stack.airflow.set_paused(dag_id, paused=False)
    run_id = stack.airflow.trigger(dag_id, conf={"as_of": AS_OF, "dataset": BANK, **conf})
    run = stack.ended_run(dag_id, run_id, seconds=900)
    assert run.state == "success", stack.told()
    return run_id


def test_a_bank_becomes_features_a_data_set_and_a_replay(stack: RunningStack) -> None:
    stack.airflow.wait_for_dags(("generate_bank", "build_features", "generate_data"))
    done(stack, "generate_bank", loans=LOANS)

    stack.airflow.set_paused("build_features", paused=False)
    asked = {"dag_id": "build_features", "from_date": f"{BUILT}T00:00:00Z", "to_date": f"{BUILT}T23:59:00Z"}
    stack.airflow.ask("POST", "/api/v2/backfills", {**asked, "max_active_runs": 1})
    views = ("repayment_behaviour", "loan_state")

    def backfilled(state: str) -> list[str]:
        # Unpaused, the schedule adds a run of its own, for a month that this bank does not know yet.
        return [run for run in stack.runs("build_features", state) if run.startswith("backfill")]

    def built() -> bool:
        assert backfilled("failed") == [], stack.told()
        return len(backfilled("success")) == 1

    eventually(built, "the built date", seconds=900)
    for view in views:
        folder = stack.addresses.feature_table(BANK, view)
        partitions = {found.uri.removeprefix(f"{folder}/").split("/")[0] for found in Objects().list(folder)}
        assert partitions == {"_delta_log", f"as_of={BUILT}"}

    run_id = done(stack, "generate_data", source="bank", split="grouped", features_from="store")
    mail, message = stack.report_of("generate_data", run_id)
    assert mail.subject == f"[Arrears] generate_data {BANK} {AS_OF}: succeeded"
    assert "exploration.html" in {part["FileName"] for part in message["Attachments"]}
    version = Objects().get_json(f"{stack.addresses.activations(BANK)}/{AS_OF}.json")["dataset_version"]
    sides = [stack.manifest(table, version, BANK)["rows"] for table in (Table.TRAIN, Table.TEST)]
    assert sum(sides) == LOANS

    stack.airflow.set_paused("build_features", paused=True)
    replayed = stack.command("ops.replay_run", run_id)
    assert replayed.returncode == 0, replayed.stdout
    assert f"replaying {BANK}, dataset version {version}" in replayed.stdout
    assert "replayed = identical" in replayed.stdout
