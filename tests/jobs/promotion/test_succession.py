"""Champions in their order: rollback, jobs that are killed, forged logs and aliases that were moved by hand."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadConfiguration, Contended
from arrears.contracts.promotion_log import reigns
from arrears.promotion import succession
from arrears.promotion.succession import Succession
from arrears.stores.model_registry import Registry
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from arrears.stores.promotion_records import PromotionRecords
from spark_jobs.jobs import promote_model, rollback_model
from tests.jobs.promotion.registry_world import (
    A_PILOT,
    BETTER,
    GOOD,
    MODEL,
    POOR,
    a_promotion,
    a_rollback,
    aliases,
    entries,
    kinds,
    measured,
    promoted,
)


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


def test_rollback_says_that_the_champion_who_comes_back_was_made_by_an_override(root: str) -> None:
    forced = promote_model.run(a_promotion(root, measured(POOR), **A_PILOT, requested_by="ada")).values["model_version"]
    promoted(root, forced)
    done = rollback_model.run(a_rollback(root))
    told = (
        f"version {forced} became champion as ada set aside auc_low > 0.6; ece <= 0.05, because: a pilot of fifty loans"
    )
    assert next(iter(done.figures.items())) == ("OVERRIDE", told)
    assert "OVERRIDE" not in rollback_model.run(a_rollback(root)).figures


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
        (Registry, "announce_promotion", 1),
        (PromotionRecords, "add", 1),
        (Registry, "remember_promotion", 1),
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


@pytest.mark.parametrize("others", [1, 3])
@pytest.mark.parametrize(
    ("owner", "step", "call"),
    [
        (Registry, "announce_promotion", 1),
        (PromotionRecords, "add", 1),
        (Registry, "remember_promotion", 1),
        (Registry, "set_alias", 1),
        (Registry, "set_alias", 2),
    ],
)
def test_promotion_that_slept_at_any_step_while_others_decided_takes_nothing_back(
    root: str, owner: type, step: str, call: int, others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = promoted(root, promoted(root))
    config = a_promotion(root, measured(BETTER, second), second)
    undisturbed, calls = getattr(owner, step), []

    def asleep(*given: Any) -> None:
        calls.append(step)
        if len(calls) == call:
            for number in range(others):  # whatever the clocks said, the lock stopped nobody
                rollback_model.run(a_rollback(root, run_label=f"r{number}"))
        undisturbed(*given)

    monkeypatch.setattr(succession, "held_lock", lambda *_, **__: nullcontext(Mock()))
    monkeypatch.setattr(owner, step, asleep)
    is_refused = step in ("announce_promotion", "add")
    with pytest.raises(Contended, match="run again") if is_refused else nullcontext():
        promote_model.run(config)

    chain = PromotionRecords(Objects(), Addresses(root).promotions(MODEL)).present(
        lambda: Registry().newest_promotion(MODEL)
    )
    assert kinds(root) == ["promoted"] * (2 if is_refused else 3) + ["rolled back"] * others
    assert aliases()["champion"] == reigns(chain.records)[-1]
    rollback_model.run(a_rollback(root))  # nothing has to be repaired first


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
    uri = f"{Addresses(root).promotions(MODEL)}/00000001.json"
    Objects().put(uri, Objects().get(uri).replace(b'"the gate"', b'"somebody"'))
    config = a_promotion(root, measured(BETTER, second), second)
    for attempt in (lambda: promote_model.run(config), lambda: rollback_model.run(a_rollback(root))):
        with pytest.raises(BadConfiguration, match="is broken: entry 1 is not the one that entry 2 follows"):
            attempt()
    assert aliases() == {"champion": second, "archived-1": first}


def test_entry_that_only_the_log_knows_of_stops_promotion(root: str) -> None:
    first = promoted(root)
    second = promoted(root, first)
    log = PromotionRecords(Objects(), Addresses(root).promotions(MODEL))
    chain = log.chain(Registry().newest_promotion(MODEL))
    log.add(log.following(chain, replace(chain.records[0], champion_before=second)))
    with pytest.raises(BadConfiguration, match="entry 3 was never announced to the registry: it was put there"):
        promote_model.run(a_promotion(root, measured(BETTER, second), second))
    assert aliases()["champion"] == second
