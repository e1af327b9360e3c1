"""The outcome facts that every attempt of every job leaves in S3: read here for retries and for mails."""

from __future__ import annotations

from arrears.contracts.catalogue import Catalogue, in_key
from arrears.contracts.errors import UpstreamNotReady
from arrears.contracts.facts import OutcomeFact
from arrears.contracts.jobs import JOBS


def read_outcome(address: str) -> OutcomeFact | None:
    """The outcome fact of one attempt; None where the job left none."""
    from arrears.stores.objects import Objects

    try:
        return OutcomeFact.from_json(Objects().get(address))
    except UpstreamNotReady:
        return None


def latest_outcomes(catalogue: Catalogue, dag_id: str, run_id: str) -> dict[str, OutcomeFact]:
    """The outcome fact of each task's latest attempt, by task id; tasks without any are absent."""
    from arrears.stores.objects import Objects

    objects, folder = Objects(), catalogue.run_folder(dag_id, run_id)
    newest: dict[str, tuple[int, str]] = {}
    for found in objects.list(folder):
        task, _, name = found.uri.removeprefix(folder + "/").partition("/")
        attempt = name.removesuffix(".json")
        if attempt.isdecimal():
            newest[task] = max(newest.get(task, (0, "")), (int(attempt), found.uri))
    facts = {task: OutcomeFact.from_json(objects.get(uri)) for task, (_, uri) in newest.items()}
    return {job: facts[in_key(job)] for job in JOBS if in_key(job) in facts}
