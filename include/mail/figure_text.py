"""How a mail shows a job's figures: with their unit, what a manager asks before the inner workings."""

from __future__ import annotations

import re

from arrears.contracts.metric_names import in_words

NOTHING = "-"

# Figures are numbers where jobs leave them; their names say what they measure.
_PERCENT = re.compile(
    r"(^|[ _])(share|fraction|probability)\b|\b(default|bad|approval)[ _]rate\b|^mean_loss$"
    r"|^(accuracy|precision|recall)\b|^calibration error"
)
_SECONDS = re.compile(r"[ _]seconds$")
_MEGABYTES = re.compile(r"[ _]mb$")

# What whoever runs the installation may want to know, and nobody else.
_INTERNAL = re.compile(
    r"[ _]seconds$|[ _]mb$|^best_validation_|^shards$|^steps$|^dataset version$|^version of |^files|^taken from"
)
_WARNING = re.compile(r"overrid", re.IGNORECASE)

_RULE = re.compile(r"rule |set.aside|override", re.IGNORECASE)

_SECTIONS = {
    "rollback_model": "Rollback",
    "promote_model": "Decision",
    "approve_model": "Approval",
    "propose_model": "Proposal",
    "evaluate_model": "Measured on held-out rows",
    "score_borrowers": "Scores",
    "sample_new_data": "New borrowers",
    "keep_outcomes": "Outcomes",
    "generate_data": "Data",
    "explore_data": "What the data look like",
    "train_model": "Training",
    "resolve_versions": "What the run worked with",
}


def section_of(task_id: str) -> str:
    """The heading above a task's figures."""
    return _SECTIONS.get(task_id, task_id.replace("_", " ").capitalize())


def place_of(task_id: str) -> int:
    """Where a task's figures stand in a mail: decisions first, what led to them after."""
    order = list(_SECTIONS)
    return order.index(task_id) if task_id in order else 0


def is_internal(name: str) -> bool:
    """Whether a figure is about the machine rather than about loans or models."""
    return bool(_INTERNAL.search(name))


def is_warning(name: str) -> bool:
    """Whether a figure tells of a rule that somebody has set aside."""
    return bool(_WARNING.search(name))


def label_of(name: str) -> str:
    """A figure's name as a person reads it. The unit goes to the value."""
    for unit in (_SECONDS, _MEGABYTES):
        name = unit.sub(" time" if unit is _SECONDS else "", name)
    return in_words(name) if " " in name else name.replace("_", " ")


def shown(value: float | int | str | None, name: str = "") -> str:
    """A figure as a person reads it: thousands apart, with its unit, a dash for nothing."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return in_words(value) if _RULE.match(name) else value
    if _PERCENT.search(name):
        return percent(value)
    if _SECONDS.search(name):
        return duration(value)
    if _MEGABYTES.search(name):
        return f"{value:,.0f} MB"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.4f}" if abs(value) < 1000 else f"{value:,.1f}"
    return f"{int(value):,}"


def percent(share: float) -> str:
    """A share of 1 in per cent: 0.0524 → 5.24 %."""
    return f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """A time as a person says it: 1.8 s, 42 s, 2 min 5 s, 1 h 3 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
