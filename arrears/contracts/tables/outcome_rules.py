"""Which values of a target mean default, and which the opposite: levels by name, or a comparison with a number.

See docs/adr/0057.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from arrears.contracts.errors import BadConfiguration

Spelling = str | tuple[str, ...]  # a comparison or one level; several levels, or one that looks like a comparison

REFUSE, LEAVE_OUT = "refuse", "leave_out"
UNLABELLED = (REFUSE, LEAVE_OUT)

_COMPARISON = re.compile(r"\s*(?P<sign>>=|>|<=|<)\s*(?P<limit>-?\d+(?:\.\d+)?)\s*")
_COMMA_OUTSIDE_QUOTES = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class OutcomeRule:
    """What ``bad_when`` or ``good_when`` says: either a comparison or levels.

    Attributes:
        sign: of the comparison. Empty: levels.
    """

    levels: tuple[str, ...] = ()
    sign: str = ""
    limit: float = 0.0

    @property
    def compares(self) -> bool:
        """Whether the target must be a number."""
        return bool(self.sign)

    def meets(self, other: OutcomeRule) -> bool:
        """Whether some value would be both."""
        if self.compares and other.compares:
            probes = (min(self.limit, other.limit) - 1, self.limit, (self.limit + other.limit) / 2, other.limit)
            return any(self._holds(x) and other._holds(x) for x in (*probes, max(self.limit, other.limit) + 1))
        if self.compares:
            return any(self._holds(number) for number in map(_number, other.levels) if number is not None)
        return other.meets(self) if other.compares else bool(set(self.levels) & set(other.levels))

    def _holds(self, number: float) -> bool:
        return _HOLDS[self.sign](number, self.limit)

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}" if self.compares else ", ".join(self.levels)


def outcome_rule(spelling: Spelling) -> OutcomeRule:
    """Reads ``bad_when`` or ``good_when`` of a description.

    A list holds levels as they are. A text is a comparison, else one level; ``=`` before it may say so.

    >>> outcome_rule(">= 90"), outcome_rule("= bad").levels, outcome_rule((">90 dpd", "Default")).levels
    (OutcomeRule(levels=(), sign='>=', limit=90.0), ('bad',), ('>90 dpd', 'Default'))
    """
    if isinstance(spelling, tuple):
        return OutcomeRule(tuple(dict.fromkeys(spelling)))
    if match := _COMPARISON.fullmatch(spelling):
        return OutcomeRule(sign=match["sign"], limit=float(match["limit"]))
    return OutcomeRule((_level(spelling),))


def spelling_of(level: str) -> Spelling:
    """How a description names one level: as a text, unless that would say something else."""
    return level if outcome_rule(level).levels == (level,) else (level,)


def rule_problems(bad_when: object, good_when: object) -> list[str]:
    """What is wrong with a description's ``bad_when`` and ``good_when``, whatever they hold."""
    given = {"bad_when": bad_when} | ({} if good_when is None else {"good_when": good_when})
    problems = [
        f"{key} {value!r} is neither a value, a list of values, nor a comparison such as '> 0'"
        for key, value in given.items()
        if not _is_spelling(value)
    ]
    if problems or not (isinstance(bad_when, (str, tuple)) and isinstance(good_when, (str, tuple))):
        return problems
    if outcome_rule(bad_when).meets(outcome_rule(good_when)):
        return [f"some values would be bad by bad_when {outcome_rule(bad_when)} and good by good_when"]
    return []


def typed_rule(text: str, *, name: str) -> Spelling:
    """Reads a field of the form or of the command line: a comparison, or levels with commas between them.

    A level that holds a comma, or begins with ``<``, ``>`` or ``=``, stands in double quotes.

    >>> typed_rule('Default, "Late (31-120 days), again", ">90 dpd"', name="bad_when")
    ('Default', 'Late (31-120 days), again', '>90 dpd')

    Raises:
        BadConfiguration: levels that should stand in quotes, quotes that are not closed, or no level at all.
    """
    if _COMPARISON.fullmatch(text):
        return text
    if text.count('"') % 2:
        raise BadConfiguration(f"{name}: double quotes are opened and not closed")
    items = [item.strip() for item in _COMMA_OUTSIDE_QUOTES.split(text) if item.strip()]
    problems = [] if items else [f"{name} names no value"]
    problems += [
        f"{name}: {item} is no comparison with a number, such as > 0, that stands alone; a value that begins with"
        f' < or > stands in double quotes: "{item}"'
        for item in items
        if item[0] in "<>"
    ]
    if problems:
        raise BadConfiguration(*problems)
    if len(items) == 1 and items[0][0] != '"':
        # One plain level stays the text that it was: dataset versions are named by it.
        return items[0] if "," in text else text
    return tuple(map(_level, items))


def _level(text: str) -> str:
    """``"bad"`` and ``= bad`` are the level ``bad``."""
    level = text.strip()
    if len(level) > 2 and level[0] == level[-1] == '"':
        return level[1:-1].replace('""', '"')
    return level.removeprefix("=").strip() or level


def _is_spelling(value: object) -> bool:
    texts = value if isinstance(value, tuple) else (value,)
    return bool(texts) and all(isinstance(text, str) and text.strip() for text in texts)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
