from __future__ import annotations

from pathlib import Path

import pytest

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.outcome_facts import JobResult, OutcomeFact
from arrears.stores.objects import Objects
from ops import replay_run

VERSION = "0123456789abcdef"
RUN = "manual__2026-01-31T00:00:00+00:00"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Objects:
    """One generated version: its manifest, and the facts of its run's two attempts."""
    addresses, objects = Addresses(tmp_path.as_uri()), Objects()
    monkeypatch.setattr(replay_run, "ADDRESSES", addresses)
    objects.put_json(addresses.dataset_manifest("cards", VERSION), {})
    ended = {"started_at": "2026-01-31T00:00:00+00:00", "ended_at": "2026-01-31T00:01:00+00:00"}
    failed = OutcomeFact("generate_data", "failed", **ended)
    done = OutcomeFact("generate_data", "success", **ended, result=JobResult(values={"dataset_version": VERSION}))
    for attempt, fact in enumerate((failed, done), start=1):
        address = addresses.outcome("generate_data", RUN, "generate_data", attempt)
        objects.put(address, fact.to_json().encode())
    return objects


@pytest.mark.parametrize("run", [VERSION, RUN])
def test_a_version_and_a_run_of_generate_data_lead_to_the_data_set(kept: Objects, run: str) -> None:
    assert replay_run.trained_on(run, kept) == ("cards", VERSION)


def test_a_training_run_leads_to_what_it_was_trained_on(kept: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorded:
        def run_facts(self, run_id: str) -> tuple[dict[str, float], dict[str, str], dict[str, str]]:
            assert run_id == "f" * 32
            return {}, {"dataset": "cards", "dataset_version": VERSION}, {}

    monkeypatch.setattr(replay_run, "Models", Recorded)
    assert replay_run.trained_on("f" * 32, kept) == ("cards", VERSION)


@pytest.mark.parametrize("run", ["fedcba9876543210", "manual__yesterday"])
def test_a_run_that_is_not_there_is_told_with_what_to_give(kept: Objects, run: str) -> None:
    with pytest.raises(BadConfiguration, match=r"there is no (dataset version|run)"):
        replay_run.trained_on(run, kept)
