"""The lock that every writer of a shared table or alias holds: what stands in it, and who may take it.

Delta's S3 commit and MLflow's aliases have no compare-and-swap of their own, so two writers on different machines could
both believe that they won. A lock is one small object, created and replaced by conditional PUT only. It is never
deleted: its ``fence`` grows with every holder, so a holder that slept past its expiry can be told from the next.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class LockRecord:
    """Who holds a lock, until when (seconds since the epoch, UTC), and the holder's place in line."""

    owner: str
    fence: int
    expires_at: float
    released: bool = False

    def is_free(self, now: float) -> bool:
        """Whether the next writer may take it: given back, or its holder went silent."""
        return self.released or now >= self.expires_at

    def taken_by(self, owner: str, *, now: float, ttl_seconds: float) -> LockRecord:
        """The record of the next holder."""
        return LockRecord(owner, self.fence + 1, now + ttl_seconds)

    def extended(self, *, now: float, ttl_seconds: float) -> LockRecord:
        """The same holder, for longer."""
        return replace(self, expires_at=now + ttl_seconds)

    def given_back(self) -> LockRecord:
        """The same record, free for the next."""
        return replace(self, released=True)

    def to_json(self) -> bytes:
        """One JSON object."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> LockRecord:
        """Reads a record."""
        return cls(**json.loads(text))
