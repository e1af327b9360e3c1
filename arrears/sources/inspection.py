"""A source looked at before anything is written: what was recognised, and a description that a person completes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arrears.sources.column_profiles import ColumnProfile, total
from arrears.sources.file_facts import FileFacts, column_names
from arrears.sources.suspicions import is_identifier, suspicions
from arrears.sources.value_types import ColumnType, Declared, column_types

_ROLES = {"bigint": "numeric", "double": "numeric", "date": "dates", "timestamp": "dates", "string": "categorical"}


@dataclass(frozen=True)
class Inspection:
    """What the files of a source are.

    Attributes:
        problems: why they cannot be read. Then there are no columns.
        notes: what was recognised, converted or left out, and what looks suspicious.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    profiles: Mapping[str, ColumnProfile]
    types: Mapping[str, ColumnType]

    @classmethod
    def of(cls, facts: Sequence[FileFacts], declared: Declared | None = None) -> Inspection:
        """Puts the files of one source together. They are taken to have the same columns."""
        problems = tuple(problem for each in facts for problem in each.problems)
        sniffed = facts[0].sniffed
        if sniffed is None or any(each.sniffed is None for each in facts):
            return cls(problems, (), {}, {})
        names = column_names(sniffed)
        profiles = {name: total(each.profiles[name] for each in facts if name in each.profiles) for name in names}
        types = column_types(profiles, declared or Declared())
        of_lines = [
            note for each in facts if each.sniffed for note in (*each.sniffed.dialect.notes(), *each.tally.notes())
        ]
        of_values = [note for each in types.values() for note in (*each.problems, *each.notes)]
        notes = dict.fromkeys((*of_lines, *of_values, *suspicions(profiles, types)))
        return cls(problems, tuple(notes), profiles, types)

    @property
    def rows(self) -> int:
        """Rows of all files together."""
        return max((profile.rows for profile in self.profiles.values()), default=0)

    def table(self) -> str:
        """The columns, one a line: type, missing share, number of different values."""
        lines = [f"{'column':30}  {'read as':10}  {'missing':>8}  {'different':>9}"]
        for name, profile in self.profiles.items():
            conversion = self.types[name].conversion
            marked = sum(
                count for word, count in (profile.words or {}).items() if word.casefold() in conversion.missing
            )
            missing = (profile.empty + marked) / profile.rows if profile.rows else 0.0
            lines.append(f"{name:30}  {conversion.type:10}  {missing:>8.1%}  {profile.distinct:>9,}")
        return "\n".join(lines)

    def description(self, name: str, target: str | None, protected: Collection[str]) -> dict[str, Any]:
        """A description of the data set, to be looked over: keys as in `DatasetDescription`.

        Args:
            target: column that tells default. None: a person has to name it.
            protected: columns that look like protected attributes.
        """
        identifiers = [c for c, p in self.profiles.items() if is_identifier(p, self.types[c].conversion.type)]
        constant = [c for c, p in self.profiles.items() if p.distinct <= 1]
        roles: dict[str, list[str]] = {}
        for column, each in self.types.items():
            if column in (target, *identifiers[:1]):
                continue
            role = "excluded" if column in (*identifiers, *constant) else _ROLES[each.conversion.type]
            roles.setdefault("protected" if column in protected else role, []).append(column)
        ids = {"id": identifiers[0]} if identifiers else {}
        labelled = self.profiles[target].present if target in self.profiles and target else self.rows
        left_out = {"unlabelled": "leave_out"} if labelled < self.rows else {}
        labels = {"target": target or "?", "bad_when": 1, **left_out}
        return {"name": name, **labels, **ids, **roles}
