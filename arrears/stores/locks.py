"""Holds a lock object in S3 while a model's aliases are changed.

MLflow's aliases have no compare-and-swap. A lock is one small object, created and replaced by conditional PUT only, and
never deleted. It says nothing of time, since the clocks of two machines differ: its holder changes it again and again,
and who sees it unchanged for long enough takes it. That a holder fell asleep and still believes to hold it is possible
with every lock that can be taken over. What must never happen then is forbidden where it would be written down.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from arrears.contracts.errors import Contended
from arrears.stores.objects import Objects

log = logging.getLogger(__name__)

TTL_SECONDS = 30.0  # a holder that is silent for so long, three heartbeats, is taken for dead
WAIT_BETWEEN_TRIES = (0.05, 0.4)  # seconds: a decision under the lock takes one or two


@dataclass(frozen=True)
class LockRecord:
    """Who holds a lock, the holder's place in line (``fence``), and how often the holder has renewed it."""

    owner: str
    fence: int
    renewals: int = 0
    released: bool = False

    def taken_by(self, owner: str) -> LockRecord:
        """The record of the next holder."""
        return LockRecord(owner, self.fence + 1)

    def renewed(self) -> LockRecord:
        """The same holder, who has just shown that it lives."""
        return replace(self, renewals=self.renewals + 1)

    def given_back(self) -> LockRecord:
        """The same record, free for the next."""
        return replace(self, released=True)

    def to_json(self) -> bytes:
        """One JSON object."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> LockRecord:
        """Reads a record, also one of an earlier version, which held more."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})


class Lock:
    """A held lock. `check` stops early a holder that slept while another took the lock."""

    def __init__(self, objects: Objects, uri: str, record: LockRecord, etag: str, ttl_seconds: float) -> None:
        self._objects, self._uri, self._record, self._etag, self._ttl = (
            objects,
            uri,
            record,
            etag,
            ttl_seconds,
        )
        self._mutex = threading.Lock()

    @property
    def fence(self) -> int:
        """The holder's place in line, one more than the holder before."""
        return self._record.fence

    def check(self) -> None:
        """Renews the lock, and raises Contended when another writer has taken it meanwhile."""
        with self._mutex:
            self._swap(self._record.renewed())

    def release(self) -> None:
        """Gives the lock back to the next writer."""
        with self._mutex:
            self._swap(self._record.given_back())

    def _swap(self, record: LockRecord) -> None:
        written = self._objects.replace(self._uri, record.to_json(), etag=self._etag)
        if written and record.released:
            return  # what stands there now may be the next writer's already
        body, etag = self._objects.get_with_etag(self._uri)
        if not written and self._is_mine(body):
            # The answer to this PUT, or to the one before, was lost: nobody else has written since.
            written = body == record.to_json() or self._objects.replace(self._uri, record.to_json(), etag=etag)
            body, etag = self._objects.get_with_etag(self._uri)
        if not written or body != record.to_json():
            raise Contended(
                f"lost the lock {self._uri}: another writer took it after {self._ttl:.0f} s of silence; run again"
            )
        self._record, self._etag = record, etag

    def _is_mine(self, body: bytes) -> bool:
        present = LockRecord.from_json(body)
        return (present.owner, present.fence) == (self._record.owner, self._record.fence)


@contextmanager
def held_lock(
    objects: Objects, uri: str, *, wait_seconds: float = 0.0, ttl_seconds: float = TTL_SECONDS
) -> Iterator[Lock]:
    """Takes the lock, keeps it alive by a heartbeat, and gives it back at the end.

    Args:
        wait_seconds: how long to wait for another holder. Longer than ``ttl_seconds`` outlives one that is dead.
        ttl_seconds: a holder that leaves the lock unchanged for so long, by the clock of the one who waits, loses it.

    Raises:
        Contended: another writer holds it and did not give it back within ``wait_seconds``.
    """
    lock = _acquire(objects, uri, wait_seconds, ttl_seconds)
    stop = threading.Event()
    heartbeat = threading.Thread(target=_beat, args=(lock, stop, ttl_seconds / 3), name="lock-heartbeat", daemon=True)
    heartbeat.start()
    try:
        yield lock
    finally:
        stop.set()
        heartbeat.join()
        try:
            lock.release()
        except Contended:
            log.warning("lock %s had been taken over before it was given back", uri)


def _beat(lock: Lock, stop: threading.Event, every_seconds: float) -> None:
    while not stop.wait(every_seconds):
        try:
            lock.check()
        except Contended as error:  # the writer itself learns of it at its own check before the commit
            log.warning("%s", error)
            return
        except Exception:  # a lost packet must not end the heartbeat: the next beat tries again
            log.warning("could not renew the lock; trying again", exc_info=True)


def _acquire(objects: Objects, uri: str, wait_seconds: float, ttl_seconds: float) -> Lock:
    owner = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}:{time.time_ns()}"
    began = since = time.monotonic()
    seen = ""
    while True:
        attempt = _create(objects, uri, owner, ttl_seconds)
        if isinstance(attempt, Lock):
            return attempt
        record, etag = attempt
        if etag != seen:
            seen, since = etag, time.monotonic()
        if record.released or time.monotonic() - since >= ttl_seconds:
            taken = record.taken_by(owner)
            if objects.replace(uri, taken.to_json(), etag=etag):
                return _read_back(objects, uri, taken, ttl_seconds)
        elif time.monotonic() - began >= wait_seconds:
            raise Contended(f"{uri} is held by another writer; run again when it has finished")
        # At random moments, so that of writers that wait side by side each gets its turn soon after a release.
        time.sleep(random.uniform(*WAIT_BETWEEN_TRIES))  # noqa: S311


def _create(objects: Objects, uri: str, owner: str, ttl_seconds: float) -> Lock | tuple[LockRecord, str]:
    """The lock, where nobody ever held it or the answer to our own PUT was lost. Otherwise what stands there."""
    first = LockRecord(owner, 1)
    if objects.create(uri, first.to_json()):
        return _read_back(objects, uri, first, ttl_seconds)
    body, etag = objects.get_with_etag(uri)
    present = LockRecord.from_json(body)
    return Lock(objects, uri, present, etag, ttl_seconds) if present.owner == owner else (present, etag)


def _read_back(objects: Objects, uri: str, written: LockRecord, ttl_seconds: float) -> Lock:
    body, etag = objects.get_with_etag(uri)
    if body != written.to_json():  # somebody judged us silent between the two requests
        raise Contended(f"lost {uri} while taking it; run again")
    return Lock(objects, uri, written, etag, ttl_seconds)
