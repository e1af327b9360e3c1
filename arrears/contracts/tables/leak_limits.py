"""How well one feature alone may predict default before the leak check takes it for a leak."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LeakLimits:
    """The limits of one data set. A description's ``leak_limits`` replaces those that it names.

    The defaults were set on six real sets (Taiwan, German credit, Lending Club twice, credit data of Spain, Berka). The
    strongest honest feature has an AUC alone of 0.75 (``sub_grade``), an information value of 0.90, and no group of
    rows whose default rate is surely above 71 %. Columns of Lending Club 2007-2011 that are known after the outcome
    reach 0.84 to 0.99, 1.96 to 14, and 97 %. Some hardly differ from honest ones alone (``total_rec_int``): no limit
    finds those, but each is written together with one that is found.

    Attributes:
        auc: of the feature alone, from 0.5 to 1. 1 asks nothing.
        information_value: above 0. Siddiqi calls 0.5 suspicious.
        default_rate: of the riskiest group of rows that the feature tells apart (a bin, a level, those without a value,
            those with one), its lower 95 % limit. Above 0, and 1 asks nothing.
    """

    auc: float = 0.80
    information_value: float = 1.5
    default_rate: float = 0.9

    @classmethod
    def of(cls, limits: Mapping[str, float]) -> LeakLimits:
        """The defaults with those limits replaced that a description names."""
        return cls(**limits)


_RANGES = {"auc": (0.5, 1.0), "information_value": (0.0, math.inf), "default_rate": (0.0, 1.0)}


def leak_limit_problems(declared: object) -> list[str]:
    """What is wrong with a description's ``leak_limits``, one sentence each."""
    names = [field.name for field in dataclasses.fields(LeakLimits)]
    if not isinstance(declared, Mapping):
        return [f"leak_limits must hold limits such as {{auc: 0.85}}, not {declared!r}"]
    problems = [f"leak_limits has no key {name}; keys are {', '.join(names)}" for name in declared if name not in names]
    for name, limit in declared.items():
        low, high = _RANGES.get(name, (-math.inf, math.inf))
        if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not math.isfinite(limit):
            problems.append(f"leak_limits.{name} must be a number, not {limit!r}")
        elif not low < limit <= high:
            most = "" if high == math.inf else f" and be at most {high:g}"
            problems.append(f"leak_limits.{name} {limit:g} must lie above {low:g}{most}")
    return problems
