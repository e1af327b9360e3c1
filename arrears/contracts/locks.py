"""The lock that those hold who change a model's aliases: what stands in it.

MLflow's aliases have no compare-and-swap. A lock is one small object, created and replaced by conditional PUT only, and
never deleted. It says nothing of time, since the clocks of two machines differ: its holder changes it again and again,
and who sees it unchanged for long enough takes it. That a holder fell asleep and still believes to hold it is possible
with every lock that can be taken over; what must never happen then is forbidden where it would be written down.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass, replace


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
