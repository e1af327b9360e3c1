"""Who becomes champion, challenger and archived, what the log says of it, and that no crash leaves half of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arrears.contracts.catalogue import Catalogue
from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.facts import JobResult
from arrears.stores.decision_log import DecisionLog
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from arrears.stores.registry import Registry
from spark_jobs.jobs import promote_model, propose_model, rollback_model
from spark_jobs.promotion.succession import Succession
from tests.jobs.model_world import local_registry
from tests.jobs.registry_world import (
    BETTER,
    GOOD,
    MODEL,
    POOR,
    a_promotion,
    a_proposal,
    a_rollback,
    describe,
    measured,
)

APPROVAL = {"approval": "human", "answer": "Approve", "approver": "Ada", "answered_at": "2026-03-14T12:00:00+00:00"}


@pytest.fixture(scope="module")
def mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One database for the module: making its tables takes most of the time."""
    folder = tmp_path_factory.mktemp("mlflow")
    with local_registry(folder):
        yield folder


@pytest.fixture
def root(mlflow_folder: Path, tmp_path: Path) -> Iterator[str]:
    """An empty bucket and an empty registry."""
    import mlflow

    root = (tmp_path / "s3").as_uri()
    describe(root)
    yield root
    client = mlflow.MlflowClient()
    if client.search_registered_models(f"name = '{MODEL}'"):
        client.delete_registered_model(MODEL)


def promoted(root: str, champion: str | None = None) -> str:
    """A champion that beats the one before; returns its version."""
    done = promote_model.run(a_promotion(root, measured(BETTER, champion), champion))
    assert done.values["decision"] == "promoted"
    return done.values["model_version"]


def aliases() -> dict[str, str]:
    return Registry().aliases(MODEL)


def entries(root: str) -> list[dict[str, object]]:
    return [json.loads(Objects().get(item.uri)) for item in Objects().list(Catalogue(root).decisions(MODEL))]


def kinds(root: str) -> list[object]:
    return [entry["kind"] for entry in entries(root)]


def approve(root: str, run_id: str, champion: str | None = None, **answer: str) -> JobResult:
    proposed = propose_model.run(a_proposal(root, run_id, champion))
    given = {**APPROVAL, "judged": proposed.values["judged"], **answer}
    return promote_model.run(a_promotion(root, run_id, champion, **given))


def test_earlier_champions_keep_their_place_in_line_when_others_follow(root: str) -> None:
    first = promoted(root)
    assert aliases() == {"champion": first}
    second = promoted(root, first)
    assert aliases() == {"champion": second, "archived-1": first}
    third = promoted(root, second)
    assert aliases() == {"champion": third, "archived-1": first, "archived-2": second}
    assert kinds(root) == ["promoted", "promoted", "promoted"]


def test_entry_tells_everything_about_a_decision(root: str) -> None:
    run_id = measured(POOR)
    done = promote_model.run(a_promotion(root, run_id))
    assert done.values["decision"] == "refused"
    (entry,) = entries(root)
    assert entry["mlflow_run_id"] == run_id
    assert (entry["who"], entry["champion_before"], entry["number"]) == ("the gate", "", 1)
    assert entry["metrics"] == POOR
    assert entry["why"] == "auc_low 0.5000 does not exceed its floor 0.6; ece 0.3000 exceeds its ceiling 0.05"
    assert [verdict["met"] for verdict in entry["verdicts"]] == [False, False, True, True]
    assert str(entry["at"]).endswith("+00:00")


def test_mail_lists_every_rule_with_its_verdict(root: str) -> None:
    figures = promote_model.run(a_promotion(root, measured(POOR))).figures
    assert list(figures) == [
        "decision",
        "model",
        "champion before",
        "rule auc_low > 0.6",
        "rule ece <= 0.05",
        "rule no unexplained leak",
        "rule auc is measured",
        "to promote it nevertheless",
    ]
    assert figures["rule auc_low > 0.6"] == "NOT MET: auc_low 0.5000 does not exceed its floor 0.6"


def test_candidate_that_meets_the_rules_and_does_not_win_stays_challenger(root: str) -> None:
    first = promoted(root)
    kept = promote_model.run(a_promotion(root, measured(GOOD, first, 0.75), first)).values
    assert kept["decision"] == "kept"
    assert aliases() == {"champion": first, "challenger": kept["model_version"]}
    refused = promote_model.run(a_promotion(root, measured(POOR, first), first)).values
    assert refused["decision"] == "refused"
    assert aliases()["challenger"] == kept["model_version"]


def test_rerun_writes_no_second_entry(root: str) -> None:
    for metrics in (POOR, BETTER):
        config = a_promotion(root, measured(metrics))
        assert promote_model.run(config) == promote_model.run(config)
    assert kinds(root) == ["refused", "promoted"]


def test_unmet_rule_is_overridden_with_a_reason_that_is_kept(root: str) -> None:
    config = a_promotion(root, measured(POOR), gate_override="a pilot of 50 loans", requested_by="grace")
    done = promote_model.run(config)
    assert done.values["decision"] == "promoted"
    assert done.figures["gate overridden"] == "a pilot of 50 loans"
    (entry,) = entries(root)
    assert (entry["who"], entry["override"]) == ("grace", "a pilot of 50 loans")


def test_human_approval_promotes_and_both_entries_name_the_person(root: str) -> None:
    run_id = measured(GOOD)
    proposed = propose_model.run(a_proposal(root, run_id))
    version = proposed.values["proposed_version"]
    assert aliases() == {"challenger": version}
    assert "| auc_low > 0.6 | 0.7000 | met |" in proposed.values["summary"]
    done = approve(root, run_id, approval_reason="as agreed in the committee")
    assert done.values["decision"] == "promoted"
    assert aliases() == {"champion": version}
    assert [(entry["kind"], entry["who"]) for entry in entries(root)] == [("approved", "Ada"), ("promoted", "the gate")]
    assert entries(root)[0]["why"] == "as agreed in the committee (answered at 2026-03-14T12:00:00+00:00)"


def test_approval_alone_promotes_nothing_that_misses_a_rule(root: str) -> None:
    run_id = measured(POOR)
    assert approve(root, run_id).values["decision"] == "refused"
    assert aliases() == {}
    assert kinds(root) == ["approved", "refused"]
    assert approve(root, run_id, gate_override="a pilot").values["decision"] == "promoted"
    assert entries(root)[-1]["who"] == "Ada"


@pytest.mark.parametrize(("approver", "who"), [("Ada", "Ada"), ("", "nobody")])
def test_rejection_and_silence_keep_the_champion(root: str, approver: str, who: str) -> None:
    first = promoted(root)
    done = approve(root, measured(BETTER, first), first, answer="Reject", approver=approver)
    assert done.values["decision"] == "rejected"
    assert aliases() == {"champion": first, "challenger": done.values["model_version"]}
    assert [(entry["kind"], entry["who"]) for entry in entries(root)[1:]] == [("rejected", who)]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"answer": ""}, "nobody was asked"),
        ({"approver": " "}, "an approval needs a named person"),
        ({"approver": "Anonymous"}, "an approval needs a named person"),
        ({"answered_at": "noon"}, "answered_at 'noon' is no time"),
        ({"judged": "0123456789abcdef"}, "not those that the approver saw"),
    ],
)
def test_approval_that_cannot_be_proven_promotes_nothing(root: str, answer: dict[str, str], told: str) -> None:
    with pytest.raises(BadConfiguration, match=told):
        approve(root, measured(GOOD), **answer)
    assert "champion" not in aliases()
    assert entries(root) == []


def test_figures_that_changed_after_the_approval_need_another(root: str) -> None:
    run_id = measured(GOOD)
    judged = propose_model.run(a_proposal(root, run_id)).values["judged"]
    Models().log_results(run_id, {"ece": 0.04}, {}, {})
    with pytest.raises(BadConfiguration, match="not those that the approver saw"):
        promote_model.run(a_promotion(root, run_id, **APPROVAL, judged=judged))


def test_rollback_brings_the_champion_before_back_in_one_run(root: str) -> None:
    first = promoted(root)
    second = promoted(root, first)
    done = rollback_model.run(a_rollback(root, run_label="r1", requested_by="grace"))
    assert (done.values["decision"], done.values["model_version"]) == ("rolled back", first)
    assert aliases() == {"champion": first, "archived-1": first, "archived-2": second}
    last = entries(root)[-1]
    assert (last["kind"], last["who"], last["why"]) == ("rolled back", "grace", "it declines everybody")
    assert (last["champion_before"], last["version"]) == (second, first)
    assert rollback_model.run(a_rollback(root, run_label="r1")).values == done.values
    assert rollback_model.run(a_rollback(root, run_label="r2")).values["model_version"] == second
    assert kinds(root) == ["promoted", "promoted", "rolled back", "rolled back"]


def test_rollback_to_a_named_version_takes_only_who_has_been_champion(root: str) -> None:
    with pytest.raises(BadConfiguration, match="no champion before version none"):
        rollback_model.run(a_rollback(root))
    first = promoted(root)
    second = promoted(root, first)
    third = promoted(root, second)
    refused = promote_model.run(a_promotion(root, measured(POOR, third), third)).values["model_version"]
    with pytest.raises(BadConfiguration, match=f"never was champion.*earlier champions: {first}, {second}, {third}"):
        rollback_model.run(a_rollback(root, to_version=refused))
    with pytest.raises(BadConfiguration, match=f"version {third} is the champion of {MODEL} already"):
        rollback_model.run(a_rollback(root, to_version=third))
    assert rollback_model.run(a_rollback(root, to_version=first)).values["model_version"] == first
    assert aliases()["champion"] == first


def test_champion_that_was_changed_by_hand_stops_promotions_until_a_rollback(root: str) -> None:
    first = promoted(root)
    second = promoted(root, first)
    third = promoted(root, second)
    Registry().set_alias(MODEL, "champion", first)
    with pytest.raises(
        BadConfiguration, match=f"champion is version {first} while the log of decisions says .*{third}"
    ):
        promote_model.run(a_promotion(root, measured(BETTER, first), first))
    rollback_model.run(a_rollback(root))
    assert aliases()["champion"] == third
    assert promoted(root, third)


def test_champion_from_before_the_log_is_archived_as_the_first(root: str) -> None:
    old = Models().register(measured(GOOD), MODEL, tags={})
    Registry().set_alias(MODEL, "champion", old)
    new = promoted(root, old)
    assert aliases() == {"champion": new, "archived-1": old}
    assert rollback_model.run(a_rollback(root)).values["model_version"] == old


@pytest.mark.parametrize(
    ("owner", "step", "call"),
    [
        (Registry, "remember_decision", 1),  # the entry is announced
        (DecisionLog, "add", 1),
        (Registry, "remember_decision", 2),  # the entry is there
        (Registry, "set_alias", 1),
    ],
)
def test_killed_promotion_leaves_the_old_champion_and_a_rerun_finishes(
    root: str, owner: type, step: str, call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = promoted(root)
    config = a_promotion(root, measured(BETTER, first), first)
    undisturbed, calls = getattr(owner, step), []

    def killed(*given: Any) -> None:
        calls.append(step)
        if len(calls) == call:
            raise KeyboardInterrupt
        undisturbed(*given)

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, killed)
        with pytest.raises(KeyboardInterrupt):
            promote_model.run(config)
    assert Models().champion(MODEL) == first
    done = promote_model.run(config)
    assert done.values["decision"] == "promoted"
    assert aliases() == {"champion": done.values["model_version"], "archived-1": first}
    assert kinds(root) == ["promoted", "promoted"]


def test_job_killed_between_log_and_alias_is_finished_by_the_next_one(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = promoted(root)
    with monkeypatch.context() as patch:
        patch.setattr(Succession, "crown_the_latest", lambda held: None)
        second = promoted(root, first)
    assert Models().champion(MODEL) == first
    with pytest.raises(BadConfiguration, match=f"champion became version {second}"):
        promote_model.run(a_promotion(root, measured(BETTER, first), first))
    assert aliases()["champion"] == second


def test_changed_entry_stops_promotion_and_rollback_and_is_named(root: str) -> None:
    first = promoted(root)
    second = promoted(root, first)
    uri = f"{Catalogue(root).decisions(MODEL)}/00000001.json"
    Objects().put(uri, Objects().get(uri).replace(b'"the gate"', b'"somebody"'))
    config = a_promotion(root, measured(BETTER, second), second)
    for attempt in (lambda: promote_model.run(config), lambda: rollback_model.run(a_rollback(root))):
        with pytest.raises(BadConfiguration, match="is broken: entry 1 is not the one that entry 2 follows"):
            attempt()
    assert aliases() == {"champion": second, "archived-1": first}


def test_entry_that_only_the_log_knows_of_stops_promotion(root: str) -> None:
    first = promoted(root)
    second = promoted(root, first)
    log = DecisionLog(Objects(), Catalogue(root).decisions(MODEL))
    chain = log.chain(Registry().newest_decision(MODEL))
    log.add(log.following(chain, replace(chain.records[0], champion_before=second)))
    with pytest.raises(BadConfiguration, match="entry 3 was never announced to the registry: it was put there"):
        promote_model.run(a_promotion(root, measured(BETTER, second), second))
    assert aliases()["champion"] == second


def test_candidate_compared_with_a_former_champion_is_not_promoted(root: str) -> None:
    run_id = measured(BETTER)
    first = promoted(root)
    with pytest.raises(BadConfiguration, match=f"champion became version {first}"):
        promote_model.run(a_promotion(root, run_id))


def test_candidate_that_was_not_measured_on_these_data_is_not_promoted(root: str) -> None:
    config = a_promotion(root, measured(GOOD))
    manifest = Catalogue(root).dataset_manifest
    Objects().put(manifest("small_bank", "v2"), Objects().get(manifest("small_bank", "v1")))
    with pytest.raises(BadConfiguration, match="was evaluated on v1 against champion none, not on v2"):
        promote_model.run(replace(config, dataset_version="v2"))
    with pytest.raises(UpstreamNotReady, match=r"v3\.json does not exist"):
        promote_model.run(replace(config, dataset_version="v3"))
    assert entries(root) == []


def test_version_that_was_registered_twice_counts_once(root: str) -> None:
    import mlflow

    run_id = measured(GOOD)
    first = Models().register(run_id, MODEL, tags={})
    mlflow.MlflowClient().create_model_version(MODEL, f"runs:/{run_id}/model", run_id)
    assert Models().register(run_id, MODEL, tags={}) == first
