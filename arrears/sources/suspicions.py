"""What looks wrong in a column though all of its values can be read: an identifier, a constant, a copy of another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from arrears.sources.column_profiles import ColumnProfile
from arrears.sources.value_types import ColumnType

FEWEST_ROWS = 50  # below so many rows values differ by chance
_NEARLY_ALL = 0.97  # of the values are different: the number of different values is an estimate
_MANY_LEVELS = 1000


def suspicions(profiles: Mapping[str, ColumnProfile], types: Mapping[str, ColumnType]) -> list[str]:
    """One sentence for each column, or pair of columns, that a person should look at.

    Args:
        profiles: column → its values, counted.
        types: column → how it is read.
    """
    notes = []
    for name, profile in profiles.items():
        kind = types[name].conversion.type
        if profile.present and profile.distinct <= 1 and profile.rows >= FEWEST_ROWS:
            notes.append(f"column {name} has one value in all rows: a model learns nothing from it")
        elif is_identifier(profile, kind):
            notes.append(f"column {name} is different in every row: name it as the id, or exclude it")
        elif kind == "string" and profile.distinct > _MANY_LEVELS:
            notes.append(f"column {name} holds some {profile.distinct:,} different texts: is it a category?")
    return notes + _copies(profiles)


def is_identifier(profile: ColumnProfile, kind: str) -> bool:
    """Whether whole numbers or texts are different in nearly every row, as identifiers are."""
    many = profile.rows >= FEWEST_ROWS and profile.present == profile.rows
    return many and kind in ("bigint", "string") and profile.distinct >= _NEARLY_ALL * profile.rows


def _copies(profiles: Mapping[str, ColumnProfile]) -> list[str]:
    alike = defaultdict(list)
    for name, profile in profiles.items():
        if profile.distinct > 1 and profile.rows >= FEWEST_ROWS:
            alike[profile.digest].append(name)
    return [
        f"columns {', '.join(names)} are equal in every row: one of them is enough"
        for names in alike.values()
        if len(names) > 1
    ]
