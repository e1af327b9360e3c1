"""The log of decisions about a registered model: what stands in an entry, how entries are chained, and who has reigned.

Each entry names the SHA-256 of the bytes of the entry before it, and the model registry keeps the digest of the newest
and, before they are written, of those to come: an entry that was changed, removed or put there by another shows.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from arrears.contracts.errors import BadConfiguration

Kind = Literal["promoted", "kept", "refused", "approved", "rejected", "rolled back"]
REIGN_BEGINS = ("promoted", "rolled back")
NOTHING_BEFORE = "0" * 64

_ENTRY = re.compile(r"(?!0{8})([0-9]{8})\.json")  # from 1 on
_NAMED_ONE_BY_ONE = 20


@dataclass(frozen=True)
class PromotionRecord:
    """One decision about one candidate, as it is kept for ever.

    Attributes:
        version: registry version that the decision is about.
        champion_before: registry version that was champion then. Empty: there was none.
        request: the run that asked for it, such as Airflow's run id.
        who: the person who decided. ``the gate`` where the rules alone did.
        why: the reason in words.
        override: why unmet rules were overridden. Empty where none were.
        set_aside: the rules that the override set aside. Entries of versions before it name none.
        metrics: what the candidate was judged by.
        verdicts: what each rule said: rule, value, limit, met, reason.
        at: when, ISO 8601 in UTC.
        number, previous: place in the chain, from 1, and SHA-256 of the entry before.
    """

    kind: Kind
    model: str
    version: str
    champion_before: str
    request: str
    who: str
    why: str
    mlflow_run_id: str = ""
    override: str = ""
    set_aside: Sequence[str] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    verdicts: Sequence[Mapping[str, Any]] = ()
    at: str = ""
    number: int = 0
    previous: str = ""

    @property
    def rules_set_aside(self) -> tuple[str, ...]:
        """The rules that the override set aside. An entry that names none had set aside those that were not met."""
        if not self.override:
            return ()
        unmet = (str(verdict.get("rule")) for verdict in self.verdicts if not verdict.get("met"))
        return tuple(self.set_aside) or tuple(unmet)

    def to_json(self) -> bytes:
        """One JSON object that a person can read, an override first."""
        fields = dataclasses.asdict(self)
        first = {name: fields.pop(name) for name in ("override", "set_aside") if self.override}
        return json.dumps({**first, **dict(sorted(fields.items()))}, indent=1, allow_nan=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> PromotionRecord:
        """Reads an entry. Fields that a later version added are ignored. Raises ValueError where it is none."""
        content = json.loads(text)
        names = {f.name for f in dataclasses.fields(cls)}
        if not isinstance(content, dict) or content.get("kind") not in get_args(Kind):
            raise ValueError("no decision")
        try:
            read = cls(**{name: value for name, value in content.items() if name in names})
            return dataclasses.replace(read, verdicts=tuple(read.verdicts), set_aside=tuple(read.set_aside))
        except TypeError:
            raise ValueError("no decision") from None

    def says_the_same_as(self, other: PromotionRecord) -> bool:
        """Whether two entries differ in nothing but their time and place in the chain."""
        return self._content() == other._content()

    def _content(self) -> bytes:
        return dataclasses.replace(self, at="", number=0, previous="").to_json()


@dataclass(frozen=True)
class Head:
    """The newest entry that somebody remembers: its number, 0 before the first, and the SHA-256 of its bytes.

    Attributes:
        announced: SHA-256 of entries that writers were about to add. One that fell asleep may never have added its own.
    """

    number: int = 0
    digest: str = NOTHING_BEFORE
    announced: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Chain:
    """A proven log: its entries, oldest first, and its newest."""

    records: tuple[PromotionRecord, ...] = ()
    head: Head = Head()

    def followed_by(self, record: PromotionRecord) -> Chain:
        """The chain with one more entry, which gets its number and the digest of the one before."""
        number = self.head.number + 1
        added = dataclasses.replace(record, number=number, previous=self.head.digest)
        return Chain((*self.records, added), Head(number, digest_of(added.to_json())))


def proven(entries: Mapping[str, bytes], remembered: Head, *, where: str) -> Chain:
    """The chain of a log's entries.

    Args:
        entries: file name → bytes.
        remembered: what the model registry keeps. It may be behind by entries that were announced to it, if their
            writers were killed or fell asleep before they could say that they are there.
        where: address of the log, for errors.

    Raises:
        BadConfiguration: the chain is broken. Names every entry that is missing, changed or foreign.
    """
    bodies = {int(match[1]): body for name, body in entries.items() if (match := _ENTRY.fullmatch(name))}
    problems = [f"{name} is no entry of the chain" for name in sorted(entries) if not _ENTRY.fullmatch(name)]
    last = max((*bodies, remembered.number))
    problems += _gaps(bodies, last)
    records, unreadable = _read(bodies)
    problems += unreadable + _broken_links(records, bodies) + _disagreement(bodies, remembered)
    if problems:
        raise BadConfiguration(
            *(f"the log of decisions at {where} is broken: {problem}" for problem in problems),
            "nothing is decided until it is whole again: restore it from a backup or from the bucket's versions",
        )
    return Chain(tuple(records.values()), Head(last, digest_of(bodies[last])) if last else Head())


def entry_name(number: int) -> str:
    """The file name of an entry."""
    return f"{number:08d}.json"


def digest_of(body: bytes) -> str:
    """SHA-256 as 64 hex digits."""
    return hashlib.sha256(body).hexdigest()


def reigns(records: Sequence[PromotionRecord]) -> tuple[str, ...]:
    """The registry version of each champion, in the order of their reigns. One that came back stands there again."""
    versions: list[str] = []
    for record in records:
        if record.kind in REIGN_BEGINS:
            if record.champion_before and record.champion_before not in versions[-1:]:
                versions.append(record.champion_before)  # it began before the log did, or outside it
            versions.append(record.version)
    return tuple(versions)


def lawful_reigns(records: Sequence[PromotionRecord]) -> tuple[str, ...]:
    """The reigns that a decision began, and the one that stood when the log began, without those set by hand."""
    begun = [record for record in records if record.kind in REIGN_BEGINS]
    lawful = {record.version for record in begun} | {record.champion_before for record in begun[:1]}
    return tuple(version for version in reigns(records) if version in lawful)


def _gaps(bodies: Mapping[int, bytes], last: int) -> list[str]:
    """What is missing up to the last entry. A long hole in one sentence, for a number may be forged."""
    numbers = [0, *sorted(bodies), last + 1]
    problems = []
    for first, end in ((before + 1, after - 1) for before, after in itertools.pairwise(numbers)):
        if end - first < _NAMED_ONE_BY_ONE:
            problems += [f"entry {number} is missing" for number in range(first, end + 1)]
        else:
            problems.append(f"entries {first} to {end} are missing")
    return problems


def _read(bodies: Mapping[int, bytes]) -> tuple[dict[int, PromotionRecord], list[str]]:
    records, problems = {}, []
    for number in sorted(bodies):
        try:
            records[number] = PromotionRecord.from_json(bodies[number])
        except ValueError:
            problems.append(f"entry {number} is no decision: it was changed")
            continue
        if records[number].number != number:
            problems.append(f"entry {number} says that it is entry {records[number].number}: it was put there")
    return records, problems


def _broken_links(records: Mapping[int, PromotionRecord], bodies: Mapping[int, bytes]) -> list[str]:
    problems = []
    for number, record in records.items():
        before = bodies.get(number - 1)
        if number == 1 and record.previous != NOTHING_BEFORE:
            problems.append("entry 1 names an entry before it")
        elif before is not None and record.previous != digest_of(before):
            problems.append(
                f"entry {number - 1} is not the one that entry {number} follows: one of the two was changed"
            )
    return problems


def _disagreement(bodies: Mapping[int, bytes], remembered: Head) -> list[str]:
    problems = []
    at_head = bodies.get(remembered.number)
    if at_head is not None and digest_of(at_head) != remembered.digest:
        problems.append(f"entry {remembered.number} is not the one that the registry remembers: it was changed")
    unknown = (n for n in sorted(bodies) if n > remembered.number and digest_of(bodies[n]) not in remembered.announced)
    problems += [f"entry {number} was never announced to the registry: it was put there" for number in unknown]
    return problems
