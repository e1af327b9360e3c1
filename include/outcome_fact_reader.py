"""The outcome facts that every attempt of every job leaves in S3: read here for retries and for mails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import UpstreamNotReady
from arrears.contracts.outcome_facts import OutcomeFact

Attempts = Mapping[int, OutcomeFact]


def read_outcome(address: str) -> OutcomeFact | None:
    """The outcome fact of one attempt. None where the job left none."""
    from arrears.stores.objects import Objects

    try:
        return OutcomeFact.from_json(Objects().get(address))
    except UpstreamNotReady:
        return None


def all_outcomes(addresses: Addresses, dag_id: str, run_id: str) -> dict[str, Attempts]:
    """The outcome facts of each task, by attempt from the first to the latest. Tasks without any are absent."""
    from arrears.stores.objects import Objects

    objects, folder = Objects(), addresses.run_folder(dag_id, run_id)
    uris: dict[str, dict[int, str]] = defaultdict(dict)
    for listed in objects.list(folder):
        task, _, name = listed.uri.removeprefix(folder + "/").partition("/")
        attempt = name.removesuffix(".json")
        if attempt.isdecimal():
            uris[task][int(attempt)] = listed.uri
    return {
        task: {attempt: OutcomeFact.from_json(objects.get(uri)) for attempt, uri in sorted(attempts.items())}
        for task, attempts in uris.items()
    }


def latest_outcomes(addresses: Addresses, dag_id: str, run_id: str) -> dict[str, OutcomeFact]:
    """The outcome fact of each task's latest attempt, by task id. Tasks without any are absent."""
    return {task: list(attempts.values())[-1] for task, attempts in all_outcomes(addresses, dag_id, run_id).items()}
