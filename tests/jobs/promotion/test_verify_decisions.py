"""`make verify-decisions`: what a person sees of a whole log, and of a broken one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.promotion_log import Chain, PromotionRecord
from arrears.stores.objects import Objects
from ops import verify_decisions
from spark_jobs.jobs import promote_model, rollback_model
from tests.jobs.models.model_world import local_registry
from tests.jobs.promotion.registry_world import (
    A_PILOT,
    BETTER,
    MODEL,
    POOR,
    a_promotion,
    a_rollback,
    describe,
    measured,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two champions, a rollback, and an override."""
    folder = tmp_path_factory.mktemp("decisions")
    with local_registry(folder):
        root = (folder / "s3").as_uri()
        describe(root)
        promote_model.run(a_promotion(root, measured(BETTER)))
        promote_model.run(a_promotion(root, measured(BETTER, "1"), "1"))
        rollback_model.run(a_rollback(root, requested_by="grace"))
        promote_model.run(a_promotion(root, measured(POOR, "1"), "1", **A_PILOT, requested_by="ada"))
        yield root


def test_whole_log_is_printed_as_a_table(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_decisions.main(["--root", root]) == 0
    headline, head, *rows = capsys.readouterr().out.splitlines()
    assert headline.startswith(f"{MODEL}: 4 decisions, the chain is whole; champion: version 3")
    assert head.split() == ["when", "(UTC)", "decision", "version", "champion", "before", "who", "why"]
    entries = [row for row in rows if not row.startswith(" ")]  # the rest of a long reason stands below
    assert [row.split()[0] for row in entries] == ["1", "2", "3", "4"]
    assert "rolled back" in entries[2]
    assert "grace" in entries[2]
    assert " ".join(" ".join(rows).split()).endswith(
        "OVERRIDE: a pilot of fifty loans [set aside: auc_low > 0.6; ece <= 0.05; auc_difference_low > 0]"
    )


def test_model_that_does_not_exist_is_no_success_and_those_that_do_are_named(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_decisions.main(["--root", root, "pd_typo"]) == BadConfiguration.exit_code
    told = capsys.readouterr()
    assert f"a model 'pd_typo'; models with decisions: {MODEL}\n" in told.err
    assert told.out == ""


def test_reason_is_told_to_its_last_word_and_one_decision_is_one() -> None:
    why = " ".join(f"word{number}" for number in range(60))
    record = PromotionRecord("kept", MODEL, "1", "", "r", "the gate", why, at="2026-01-31T12:00:00+00:00")
    headline, _, *rows = verify_decisions.shown(MODEL, Chain().followed_by(record), {}).splitlines()
    assert headline.startswith(f"{MODEL}: 1 decision, the chain")
    assert len(rows) > 1
    assert max(map(len, rows)) < 160
    assert " ".join(" ".join(rows).split()).endswith(why)


@pytest.mark.parametrize("gone", ["00000004.json", "all"])
def test_missing_entries_are_named_also_when_they_are_the_last_or_all(
    root: str, gone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    objects, folder = Objects(), Addresses(root).promotions(MODEL)
    kept = {item.uri: objects.get(item.uri) for item in objects.list(folder)}
    for uri in kept:
        if gone in ("all", Path(uri).name):
            objects.delete(uri)
    try:
        assert verify_decisions.main(["--root", root]) == BadConfiguration.exit_code
        told = capsys.readouterr()
        assert "entry 4 is missing" in told.err
        assert "the chain is whole" not in told.out
    finally:
        for uri, body in kept.items():
            objects.put(uri, body)


def test_bank_without_decisions_is_told_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with local_registry(tmp_path):
        assert verify_decisions.main(["--root", tmp_path.as_uri()]) == 0
    assert "nothing was decided yet" in capsys.readouterr().out
