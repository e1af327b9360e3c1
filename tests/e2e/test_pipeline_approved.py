"""A training by its form in the browser, a person's decision about its model, and a rollback."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from arrears.contracts.addresses import registered_model
from arrears.stores.models import Models
from tests.e2e.approvals_by_api import Question
from tests.e2e.pages_in_browser import AirflowPages
from tests.e2e.running_stack import AS_OF, Done, RunningStack, eventually
from tests.e2e.trainings import executors, reads_archive

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]


def test_training_starts_from_the_form_as_it_opens(stack: RunningStack, first_demo: Done, pages: AirflowPages) -> None:
    form = pages.form("training")
    assert form.sections[0] == "Run Parameters"
    assert {"Cut-off", "Override of the gate", "Override of the leak check"} < set(form.sections)
    assert form.can_be_sent()
    run_id = form.send()

    def trains() -> bool:
        run = stack.airflow.run("training", run_id)
        assert run is None or not run.ended, stack.task_log("training", run_id, "resolve_versions")
        return run is not None and any(t.task_id == "train_model" and t.started_at for t in run.tasks)

    eventually(trains, "a task that trains")
    eventually(lambda: any(map(reads_archive, executors(stack))), "an executor that reads the archive of classes")
    stack.stop_run("training", run_id)  # that it trains well has been seen before
    mail, _ = stack.report_of("training", run_id)
    assert f" {datetime.now(UTC):%Y-%m-%d}: " in mail.subject


def test_override_without_reason_is_refused_before_anything_is_trained(
    stack: RunningStack, first_demo: Done, pages: AirflowPages
) -> None:
    form = pages.form("training")
    form.unfold("Override of the gate")
    form.switch_on("Override unmet rules")
    run_id = form.send()

    sentence = "needs its reason, in at least 5 different words, not ''"
    assert '"Override unmet rules"' in pages.log("training", run_id, "resolve_versions", until=sentence)
    run = stack.ended_run("training", run_id)
    states = {task.task_id: (task.state, task.attempt) for task in run.tasks}
    assert states["resolve_versions"] == ("failed", 1)  # another try cannot help
    assert states["train_model"][0] == "upstream_failed"


def ask_about_a_poor_model(stack: RunningStack, pages: AirflowPages) -> Question:
    """Has the form train a model that the gate does not let through, up to the question about it."""
    form = pages.form("training")
    form.fill("Business date (as_of)", AS_OF)
    form.fill("Trees or steps, at most", "5")
    form.fill("Approval", "human")
    question = Question(stack, form.send())
    asked = question.asked()
    assert re.search(r"\| auc_difference_low > 0 \| -?0\.\d+ \| \*\*NOT MET\*\* \|", asked), asked
    assert re.search(r"it is (worse beyond chance|not shown to be better)", asked), asked
    return question


def test_person_rejects_then_overrides_and_a_rollback_brings_the_better_model_back(
    stack: RunningStack, first_demo: Done, pages: AirflowPages
) -> None:
    name = registered_model("lending_club")
    question = ask_about_a_poor_model(stack, pages)
    run_id = question.run_id

    pages.question(run_id).answer("Reject")  # with nothing typed
    assert question.decided() == "rejected"
    assert Models().champion(name) == "1"

    question.ask_anew()
    pages.question(run_id).answer("Override unmet rules", reason="it is fine")
    question.asked_again_because("needs its reason, in at least 5 different words, not 'it is fine'")
    pages.question(run_id).answer("Override unmet rules", reason="to see a rollback of this champion")
    assert question.decided() == "new champion"
    assert Models().champion(name) == "2"
    mail, message = stack.report_of("training", run_id)
    assert mail.subject.startswith("[Arrears] BY OVERRIDE of ")
    assert "to see a rollback" in message["Text"]

    form = pages.form("rollback")
    assert not form.can_be_sent()  # only the person knows why
    form.fill("Reason", "the trial is over")
    back = form.send()
    assert stack.ended_run("rollback", back).state == "success", stack.task_log("rollback", back, "rollback_model")
    assert Models().champion(name) == "1"

    proven = stack.command("ops.verify_decisions", name)
    assert proven.returncode == 0, proven.stdout
    kinds = re.findall(r"^ *\d+ +\S+ +(promoted|rejected|approved|kept|rolled back)", proven.stdout, re.MULTILINE)
    assert kinds == ["promoted", "rejected", "approved", "promoted", "rolled back"], proven.stdout
    assert "OVERRIDE: to see a rollback" in proven.stdout


@pytest.mark.full
def test_person_approves_with_nothing_typed_and_the_gate_keeps_the_champion(
    stack: RunningStack, first_demo: Done, pages: AirflowPages
) -> None:
    name = registered_model("lending_club")
    champion = Models().champion(name)
    question = ask_about_a_poor_model(stack, pages)

    pages.question(question.run_id).answer("Approve")

    assert question.decided() == "kept champion"
    assert Models().champion(name) == champion
