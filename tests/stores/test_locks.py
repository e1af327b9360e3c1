"""One writer at a time, on a real S3 server, also when a holder dies or falls asleep."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from arrears.contracts.errors import Contended
from arrears.stores.locks import LockRecord, held_lock
from arrears.stores.objects import Objects

ADDED_BY_EACH = 20
ADDER = Path(__file__).with_name("add_many.py")


@pytest.fixture
def address(folder: str) -> str:
    return f"{folder}/lock.json"


def test_a_second_writer_is_told_who_waits_for_whom(s3: Objects, address: str) -> None:
    with held_lock(s3, address), pytest.raises(Contended, match="is held by another writer"), held_lock(s3, address):
        pytest.fail("two writers held the lock")


def test_the_next_writer_stands_one_place_further(s3: Objects, address: str) -> None:
    fences = []
    for _ in range(3):
        with held_lock(s3, address) as lock:
            fences.append(lock.fence)
    assert fences == [1, 2, 3]


def test_a_lock_is_given_back_when_its_holder_fails(s3: Objects, address: str) -> None:
    with pytest.raises(ZeroDivisionError), held_lock(s3, address):
        _ = 1 / 0
    with held_lock(s3, address) as lock:
        assert lock.fence == 2


def test_the_lock_of_a_dead_holder_is_taken_over_when_it_was_seen_unchanged_for_long(s3: Objects, address: str) -> None:
    s3.put(address, LockRecord("dead", 7).to_json())
    with held_lock(s3, address, wait_seconds=20, ttl_seconds=0.1) as lock:
        assert lock.fence == 8


@pytest.mark.parametrize("ahead", [-3600.0, 61.0, 3600.0])
def test_a_clock_that_is_wrong_takes_no_living_lock(
    s3: Objects, address: str, ahead: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_lock(s3, address) as lock:
        right = time.time
        monkeypatch.setattr(time, "time", lambda: right() + ahead)
        with pytest.raises(Contended), held_lock(s3, address):
            pytest.fail("a living holder was taken for dead")
        lock.check()


def test_the_record_of_an_earlier_version_is_read(s3: Objects, address: str) -> None:
    s3.put(address, b'{"owner": "old", "fence": 4, "expires_at": 1.5, "released": true}')
    with held_lock(s3, address) as lock:
        assert lock.fence == 5


def test_a_holder_that_was_taken_over_is_told_at_its_next_check(s3: Objects, address: str) -> None:
    with held_lock(s3, address) as lock:
        body, etag = s3.get_with_etag(address)
        assert s3.replace(address, LockRecord.from_json(body).taken_by("another").to_json(), etag=etag)
        with pytest.raises(Contended, match="lost the lock"):
            lock.check()
    assert LockRecord.from_json(s3.get(address)).owner == "another"


def test_a_long_decision_keeps_its_lock(s3: Objects, address: str) -> None:
    with (
        held_lock(s3, address, ttl_seconds=0.9),
        pytest.raises(Contended),
        held_lock(s3, address, wait_seconds=2, ttl_seconds=0.9),
    ):
        pytest.fail("a living holder was taken for dead")
    assert LockRecord.from_json(s3.get(address)).renewals > 1


def test_a_patient_writer_gets_the_lock_when_it_is_given_back(s3: Objects, address: str) -> None:
    held, got = threading.Event(), threading.Event()

    def hold() -> None:
        with held_lock(s3, address):
            held.set()
            got.wait(0.5)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    with held_lock(s3, address, wait_seconds=20) as lock:
        assert lock.fence == 2
    holder.join()


@pytest.mark.parametrize("request_name", ["create", "replace"])
@pytest.mark.parametrize("held_before", [False, True])
def test_a_holder_whose_answers_are_lost_keeps_the_lock_and_gives_it_back(
    s3: Objects, address: str, request_name: str, held_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if held_before:
        s3.put(address, LockRecord("dead", 7, released=True).to_json())
    ask = getattr(Objects, request_name)

    def sent_twice(objects: Objects, *given: object, **named: object) -> bool:
        ask(objects, *given, **named)
        return bool(ask(objects, *given, **named))

    with monkeypatch.context() as patch:
        patch.setattr(Objects, request_name, sent_twice)
        with held_lock(s3, address) as lock:
            lock.check()
            lock.check()
            assert lock.fence == (8 if held_before else 1)
    assert LockRecord.from_json(s3.get(address)).released


def test_a_holder_that_could_not_read_back_its_own_renewal_renews_again(
    s3: Objects, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise OSError("no route")

    with held_lock(s3, address) as lock:
        with monkeypatch.context() as patch:
            patch.setattr(Objects, "get_with_etag", unreachable)
            with pytest.raises(OSError, match="no route"):
                lock.check()
        lock.check()
    assert LockRecord.from_json(s3.get(address)).released


def test_two_processes_lose_no_addition(s3: Objects, folder: str) -> None:
    s3.put(f"{folder}/total", b"0")
    command = [sys.executable, str(ADDER), folder, str(ADDED_BY_EACH)]
    adders = [subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ADDER.parents[2])}) for _ in range(2)]
    assert [adder.wait(120) for adder in adders] == [0, 0]
    assert s3.get(f"{folder}/total") == str(2 * ADDED_BY_EACH).encode()
