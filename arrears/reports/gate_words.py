"""What a rule of the gate looks at, as a risk manager reads it: a leak check is no number."""

from __future__ import annotations

import re

from arrears.model.gate.rules import LEAKS, Verdict

_COUNTS_LEAKS = re.compile(r"\bleaks?\b")


def value_of(verdict: Verdict) -> str:
    """The model's own value of what the rule looks at."""
    if _is_leak_check(verdict):
        return {None: "not checked", 0.0: "none unexplained"}.get(verdict.value, "unexplained ones")
    if verdict.value is None:
        return "" if verdict.met else "missing"
    return f"{verdict.value:,.4f}"


def limit_of(verdict: Verdict) -> str:
    """The limit that the value is compared with."""
    if _is_leak_check(verdict):
        return "none"
    return "" if verdict.limit is None else f"{verdict.limit:,.4f}"


def _is_leak_check(verdict: Verdict) -> bool:
    return verdict.rule == LEAKS or bool(_COUNTS_LEAKS.search(verdict.rule))
