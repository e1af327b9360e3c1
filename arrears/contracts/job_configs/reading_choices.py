"""How a delivered text file is read, where a person says it. What is left open is found. Defaults live here only."""

from __future__ import annotations

import codecs
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from arrears.contracts.job_configs.arguments import Choices, option

_FILE = "How the file is written"

FOUND = "found"
SEPARATORS = {
    "comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "blanks": " ", "control_a": "\x01", "tilde": "~"
}  # fmt: skip
NUMBER_MARKS = {"point": ".", "comma": ",", "none": "", "blank": " ", "apostrophe": "'"}


@dataclass(frozen=True, kw_only=True)
class ReadingChoices(Choices):
    """How the characters, lines and values of a text file are written."""

    encoding: str | None = option(
        None,
        help="how its characters are written, such as cp1252 or utf-16; empty: found",
        title="Characters",
        section=_FILE,
        examples=("utf-8", "cp1252", "cp850", "utf-16"),
    )
    separator: Literal["found", "comma", "semicolon", "tab", "bar", "blanks", "control_a", "tilde"] = option(
        "found", help="what stands between fields", title="Separator", section=_FILE
    )
    header: Literal["found", "yes", "no"] = option(
        "found", help="whether a line names the columns; no: they are column_1 and so on", title="Header", section=_FILE
    )
    skip_lines: int = option(
        0, help="lines above the header that are left out; 0: found", minimum=0, title="Lines above", section=_FILE
    )
    quote_escape: Literal["found", "doubled", "backslash"] = option(
        "found", help="how a quote within quotes is written", title="Quotes within quotes", section=_FILE
    )
    decimal: Literal["found", "point", "comma"] = option(
        "found", help="decimal mark of its numbers", title="Decimal mark", section=_FILE
    )
    thousands: Literal["found", "none", "comma", "point", "blank", "apostrophe"] = option(
        "found", help="mark between the thousands of its numbers", title="Thousands", section=_FILE
    )
    missing: tuple[str, ...] = option(
        (),
        help="texts that stand for a missing value besides the usual ones, comma separated, such as -9,9999,unknown",
        title="Missing values",
        section=_FILE,
    )
    date_format: Literal["found", "ymd", "dmy", "mdy", "yyyymmdd", "yyyymm"] = option(
        "found",
        help="order of day, month and year where the dates leave it open",
        title="Order of dates",
        section=_FILE,
    )
    sentinels: tuple[str, ...] = option(
        (),
        help="days (YYYY-MM-DD) that stand for none, comma separated, such as 9999-12-31,1900-01-01",
        title="Days that mean none",
        section=_FILE,
    )

    def over(self, described: Mapping[str, Any]) -> ReadingChoices:
        """These choices, and where they leave something open, those of a description."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(ReadingChoices)}
        chosen = {name: value for name, value in own.items() if value != _DEFAULTS[name]}
        return ReadingChoices(**{**_as_fields(described), **chosen})

    def dialect(self) -> dict[str, Any]:
        """What is told of lines, by the fields of `Dialect`. What is left open is not in it."""
        told: dict[str, Any] = {
            "encoding": self.encoding or None,
            "separator": SEPARATORS.get(self.separator),
            "header": {"yes": True, "no": False}.get(self.header),
            "skip_lines": self.skip_lines or None,
        }
        dialect = {name: value for name, value in told.items() if value is not None}
        if self.quote_escape != FOUND:
            dialect["escape"] = "\\" if self.quote_escape == "backslash" else None
        return dialect


_DEFAULTS = {f.name: f.default for f in dataclasses.fields(ReadingChoices)}


def reading_problems(described: object) -> list[str]:
    """What is wrong with a description's key ``reading``, whatever it holds."""
    if not isinstance(described, Mapping):
        return [f"reading must be keys and values; keys are {', '.join(_DEFAULTS)}"]
    problems = [
        f"reading has no key {key!r}; keys are {', '.join(_DEFAULTS)}" for key in described if key not in _DEFAULTS
    ]
    hints = get_type_hints(ReadingChoices)
    for key, value in _as_fields({k: v for k, v in described.items() if k in _DEFAULTS}).items():
        allowed = [word for word in get_args(hints[key]) if isinstance(word, str)]
        if allowed and value not in allowed:
            problems.append(f"reading: {key} {value!r} is none of {', '.join(allowed)}")
    encoding = described.get("encoding")
    if encoding and not _is_encoding(str(encoding)):
        problems.append(f"reading: encoding {encoding!r} is none that Python knows")
    return problems


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def _as_fields(described: Mapping[str, Any]) -> dict[str, Any]:
    """YAML's values as the choices hold them: lists of texts, and words for yes, no and for the marks themselves."""
    return {key: _as_field(key, value) for key, value in described.items()}


def _as_field(key: str, value: Any) -> Any:
    if isinstance(_DEFAULTS[key], tuple):
        return tuple(map(str, value if isinstance(value, list) else [value]))
    if isinstance(value, bool):
        return "yes" if value else "no"
    marks = SEPARATORS if key == "separator" else NUMBER_MARKS if key in ("decimal", "thousands") else {}
    return next((word for word, mark in marks.items() if mark == value), value)
