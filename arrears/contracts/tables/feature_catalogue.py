"""The feature catalogue: what a regulator asks of each feature, one line a feature."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from arrears.contracts.errors import BadConfiguration

USES = ("model", "fairness", "information")
TYPES = ("numeric", "categorical", "text")
DIRECTIONS = ("", "rising", "falling")
_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class FeatureLine:
    """One line of the feature catalogue: what a regulator asks of a feature.

    Attributes:
        name: the column. In YAML ``paid_sum_{3,6,12}m`` stands for three lines.
        meaning: one sentence. ``{}`` in it is replaced by what the braces of the name stand for.
        type: numeric, categorical, or text (free text, for engines that read it).
        unit: EUR, days, months, ratio, count, level …
        source: table and column that it comes from.
        window: the time before the decision that it covers, such as ``3 months``. Empty: the moment itself.
        owner: who answers for it.
        use: model, fairness (a protected attribute: reports alone) or information (kept, never learnt from).
        monotone: rising where a higher value may only raise the default probability, falling where it may only lower
            it. Empty: the data decide.
    """

    name: str
    meaning: str
    type: str
    unit: str
    source: str
    window: str
    owner: str
    use: str = "model"
    monotone: str = ""

    @property
    def full_meaning(self) -> str:
        """The meaning with unit and window, as a page about the data shows it."""
        extent = ", ".join(part for part in ("" if self.unit == "level" else self.unit, self.window) if part)
        return f"{self.meaning.rstrip('.')} ({extent})." if extent else self.meaning

    def __post_init__(self) -> None:
        problems = [
            f"feature {self.name} needs {k}" for k in ("meaning", "unit", "source", "owner") if not getattr(self, k)
        ]
        if self.type not in TYPES:
            problems.append(f"feature {self.name}: type {self.type!r} is none of {', '.join(TYPES)}")
        if self.use not in USES:
            problems.append(f"feature {self.name}: use {self.use!r} is none of {', '.join(USES)}")
        if self.monotone not in DIRECTIONS:
            problems.append(f"feature {self.name}: monotone {self.monotone!r} is neither rising nor falling")
        elif self.monotone and self.type != "numeric":
            problems.append(f"feature {self.name}: monotone {self.monotone} is of numeric features alone")
        if problems:
            raise BadConfiguration(*problems)


def expanded(name: str) -> list[tuple[str, str]]:
    """A catalogue name with braces as the names it stands for, each with the part that the braces stood for.

    >>> expanded("paid_sum_{3,6}m")
    [('paid_sum_3m', '3'), ('paid_sum_6m', '6')]
    >>> expanded("age")
    [('age', '')]
    """
    braces = _BRACES.search(name)
    if braces is None:
        return [(name, "")]
    return [(name.replace(braces[0], part.strip()), part.strip()) for part in braces[1].split(",")]


def catalogue_problems(features: Iterable[str], protected: Iterable[str], lines: Iterable[FeatureLine]) -> list[str]:
    """Every feature without a line, every line that forbids the use as a feature, every name listed twice."""
    by_name: dict[str, FeatureLine] = {}
    problems = []
    for line in lines:
        if line.name in by_name:
            problems.append(f"feature {line.name} stands in the catalogue twice")
        by_name[line.name] = line
    for name in features:
        if name not in by_name:
            problems.append(f"feature {name} has no line in the catalogue")
        elif by_name[name].use != "model":
            problems.append(f"{name} may not enter a model: its use in the catalogue is {by_name[name].use}")
    return problems + [
        f"protected attribute {name} needs a line of use fairness in the catalogue"
        for name in protected
        if name not in by_name or by_name[name].use != "fairness"
    ]
