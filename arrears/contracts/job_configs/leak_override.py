"""The choice to go on in spite of leaks, which a training and an experiment offer alike."""

from __future__ import annotations

from dataclasses import dataclass

from arrears.contracts.gate_rules import OVERRIDE_WORDS, reason_problems
from arrears.contracts.job_configs.arguments import Choices, option

LEAKS = "Override of the leak check"  # a section of the forms and of --help


@dataclass(frozen=True, kw_only=True)
class LeakOverride(Choices):
    """Whether leaks that are found are overridden, and why."""

    leak_override: bool = option(
        False,
        help="go on in spite of what the leak check finds; without effect where it finds nothing",
        title="Override the leak check",
        section=LEAKS,
    )
    leak_override_reason: str = option(
        "",
        help=f"why that is right, in at least {OVERRIDE_WORDS} different words; logged, and kept with the run"
        " where a leak was overridden",
        title="Reason for the override",
        section=LEAKS,
        is_long=True,
    )


def override_problems(choices: LeakOverride) -> list[str]:
    """What is wrong with an override's reason: nothing without an override."""
    return reason_problems(choices.leak_override, choices.leak_override_reason, "leak_override")
