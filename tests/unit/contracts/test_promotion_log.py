"""The log of decisions: whatever is done to it afterwards, it shows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.promotion_log import (
    NOTHING_BEFORE,
    Chain,
    Head,
    Kind,
    PromotionRecord,
    digest_of,
    entry_name,
    lawful_reigns,
    proven,
    reigns,
)
from arrears.stores.model_registry import remembered

WHERE = "s3://arrears/artifacts/decisions/pd_bank"


def a_record(version: str = "1", kind: Kind = "promoted", before: str = "", **more: object) -> PromotionRecord:
    given = {"model": "pd_bank", "request": "r1", "who": "the gate", "why": "it is better", "metrics": {"auc": 0.75}}
    return PromotionRecord(kind=kind, version=version, champion_before=before, **given | more)  # type: ignore[arg-type]


def a_log(length: int) -> tuple[dict[str, bytes], Chain]:
    chain = Chain()
    for number in range(length):
        chain = chain.followed_by(a_record(str(number)))
    return {entry_name(record.number): record.to_json() for record in chain.records}, chain


def broken(entries: dict[str, bytes], remembered: Head) -> tuple[str, ...]:
    with pytest.raises(BadConfiguration) as caught:
        proven(entries, remembered, where=WHERE)
    return tuple(p.removeprefix(f"the log of decisions at {WHERE} is broken: ") for p in caught.value.problems[:-1])


def test_each_entry_names_the_bytes_of_the_one_before() -> None:
    entries, chain = a_log(3)
    assert chain.records[0].previous == NOTHING_BEFORE
    assert chain.records[2].previous == digest_of(entries["00000002.json"])
    assert json.loads(entries["00000003.json"])["number"] == 3
    assert chain.head == Head(3, digest_of(entries["00000003.json"]))


@pytest.mark.parametrize("length", [0, 1, 5])
def test_untouched_log_is_proven(length: int) -> None:
    entries, chain = a_log(length)
    assert proven(entries, chain.head, where=WHERE) == chain


@pytest.mark.parametrize("length", [1, 5])
def test_log_of_a_writer_who_was_killed_is_proven_with_and_without_the_announced_entry(length: int) -> None:
    entries, chain = a_log(length)
    _, before = a_log(length - 1)
    announced = replace(before.head, announced=frozenset({chain.head.digest, "f" * 64}))
    assert proven(entries, announced, where=WHERE) == chain
    del entries[entry_name(length)]
    assert proven(entries, announced, where=WHERE) == before


@pytest.mark.parametrize("announced", [frozenset(), frozenset({"0" * 64})])
def test_entry_that_was_never_announced_to_the_registry_shows(announced: frozenset[str]) -> None:
    entries, _ = a_log(3)
    known = replace(a_log(2)[1].head, announced=announced)
    assert broken(entries, known) == ("entry 3 was never announced to the registry: it was put there",)


def test_registry_that_is_behind_proves_the_entries_that_were_announced_to_it_and_no_other() -> None:
    entries, chain = a_log(3)
    digests = [digest_of(entries[entry_name(number)]) for number in (2, 3)]
    assert proven(entries, replace(a_log(1)[1].head, announced=frozenset(digests)), where=WHERE) == chain
    behind = replace(a_log(1)[1].head, announced=frozenset(digests[:1]))
    assert broken(entries, behind) == ("entry 3 was never announced to the registry: it was put there",)


@given(st.integers(1, 6), st.data())
def test_any_changed_byte_shows(length: int, data: st.DataObject) -> None:
    entries, chain = a_log(length)
    name = data.draw(st.sampled_from(sorted(entries)))
    body = bytearray(entries[name])
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    problems = broken(entries | {name: bytes(body)}, chain.head)
    assert any(f"entry {int(name[:8])} " in problem for problem in problems)


@given(st.integers(1, 6), st.data())
def test_any_missing_entry_is_named(length: int, data: st.DataObject) -> None:
    entries, chain = a_log(length)
    gone = data.draw(st.sets(st.sampled_from(sorted(entries)), min_size=1))
    problems = broken({name: body for name, body in entries.items() if name not in gone}, chain.head)
    assert {f"entry {int(name[:8])} is missing" for name in gone} <= set(problems)


def test_forged_number_far_ahead_is_told_in_one_sentence() -> None:
    entries, chain = a_log(2)
    problems = broken(entries | {"99999999.json": a_record("9").to_json()}, chain.head)
    assert "entries 3 to 99999998 are missing" in problems
    assert len(problems) == 3
    assert "entries 3 to 123456789 are missing" in broken(entries, Head(123456789, "0" * 64))


@given(st.integers(2, 6), st.data())
def test_two_entries_that_change_places_show(length: int, data: st.DataObject) -> None:
    entries, chain = a_log(length)
    one, other = data.draw(st.permutations(sorted(entries)))[:2]
    problems = broken(entries | {one: entries[other], other: entries[one]}, chain.head)
    assert f"entry {int(one[:8])} says that it is entry {int(other[:8])}: it was put there" in problems


def test_rewritten_end_of_the_log_shows() -> None:
    entries, chain = a_log(3)
    forged = Chain(chain.records[:2], Head(2, digest_of(entries["00000002.json"]))).followed_by(a_record("9"))
    problems = broken(entries | {"00000003.json": forged.records[-1].to_json()}, chain.head)
    assert problems == ("entry 3 is not the one that the registry remembers: it was changed",)


@pytest.mark.parametrize(
    "name", ["00000002-b.json", "2.json", "00000002.json.bak", "deep/00000002.json", "00000000.json", "٠٠٠٠٠٠٠٢.json"]
)
def test_file_that_is_no_entry_shows(name: str) -> None:
    entries, chain = a_log(2)
    assert broken(entries | {name: b"{}"}, chain.head) == (f"{name} is no entry of the chain",)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"kind": "promoted"}', b'{"kind": "maybe"}'])
def test_entry_that_is_no_decision_is_named(body: bytes) -> None:
    entries, chain = a_log(1)
    assert "entry 1 is no decision: it was changed" in broken(entries | {"00000001.json": body}, chain.head)


def test_all_that_is_wrong_is_told_at_once() -> None:
    entries, chain = a_log(5)
    del entries["00000002.json"]
    entries |= {"notes.txt": b"", "00000004.json": entries["00000005.json"]}
    assert len(broken(entries, chain.head)) >= 3


def test_fields_of_a_later_version_are_read_over() -> None:
    later = json.dumps(json.loads(a_record().to_json()) | {"severity": "high"}).encode()
    assert PromotionRecord.from_json(later) == PromotionRecord.from_json(a_record().to_json())


def test_number_that_json_cannot_hold_is_refused_before_it_is_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        a_record(metrics={"auc": float("nan")}).to_json()


@pytest.mark.parametrize("text", ["x", "1", "one abc", " ", "1 ", "1 ab cd ef"])
def test_damaged_memory_of_the_registry_is_an_error(text: str) -> None:
    for tags in ({"arrears.decisions": text}, {f"arrears.decision.kept.{text}": "ab"}):
        if tags != {"arrears.decision.kept.1": "ab"}:
            with pytest.raises(BadConfiguration, match="the registry's record of the newest decision is damaged"):
                remembered(tags)


def test_memory_of_the_registry_is_the_newest_entry_and_all_that_was_announced() -> None:
    kept = {"arrears.decision.kept.00000007": "g", "arrears.decision.kept.00000003": "c"}
    announced = {"arrears.decision.announced.00000008.h": "h", "arrears.decision.announced.00000008.i": "i"}
    assert remembered({**kept, **announced, "owner": "ada"}) == Head(7, "g", frozenset("hi"))
    assert remembered({"arrears.decisions": "7 ab cd"}) == Head(7, "ab", frozenset({"cd"}))
    assert remembered({"arrears.decisions": "6 ab", **kept}) == Head(7, "g")
    assert remembered({}) == Head()


def test_reigns_are_counted_in_their_order_and_a_return_is_a_reign_of_its_own() -> None:
    records = [
        a_record("2", before="1"),
        a_record("3", "kept", "2"),
        a_record("4", before="2"),
        a_record("2", "rolled back", "4"),
    ]
    assert reigns(records) == ("1", "2", "4", "2")
    assert reigns([]) == ()


def test_champion_that_was_named_by_hand_has_its_place_when_a_rollback_finds_it() -> None:
    assert reigns([a_record("1"), a_record("1", "rolled back", "7")]) == ("1", "7", "1")


def test_champion_that_was_named_by_hand_is_never_brought_back() -> None:
    by_hand = [a_record("1"), a_record("1", "rolled back", "7")]
    assert lawful_reigns(by_hand) == ("1", "1")
    began_before_the_log = [a_record("2", before="1"), a_record("3", before="2")]
    assert lawful_reigns(began_before_the_log) == ("1", "2", "3")


def test_former_champion_that_was_named_by_hand_begins_another_reign() -> None:
    assert reigns([a_record("1"), a_record("2", before="1"), a_record("2", "rolled back", "1")]) == ("1", "2", "1", "2")


def test_override_of_an_entry_from_before_its_rules_were_named_is_read() -> None:
    verdicts = [{"rule": "auc_low > 0.6", "met": False}, {"rule": "ece <= 0.05", "met": True}]
    old = {**json.loads(a_record().to_json()), "override": "a pilot", "verdicts": verdicts}
    del old["set_aside"]
    read = PromotionRecord.from_json(json.dumps(old).encode())
    assert (read.override, read.set_aside, read.rules_set_aside) == ("a pilot", (), ("auc_low > 0.6",))
    assert PromotionRecord.from_json(json.dumps({**old, "override": ""}).encode()).rules_set_aside == ()
    assert PromotionRecord.from_json(read.to_json()) == read
