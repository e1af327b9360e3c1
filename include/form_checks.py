"""What Airflow does not check of a form: fields that it does not have, and overrides without their reason."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from arrears.contracts.gate_rules import reason_problems
from arrears.contracts.job_configs.jobs import PromoteModelConfig, TrainModelConfig

_OVERRIDES = (
    (PromoteModelConfig, "gate_override", "override_reason"),
    (TrainModelConfig, "leak_override", "leak_override_reason"),
)


def form_problems(params: Mapping[str, Any], fields: Collection[str]) -> list[str]:
    """What is wrong with what a run was given, one sentence each, beyond what Airflow itself refuses.

    Args:
        params: the form's fields and whatever else the run was given by name.
        fields: the names that the form has.
    """
    return [_unknown(name, fields) for name in sorted(set(params) - set(fields))] + override_problems(params)


def override_problems(params: Mapping[str, Any]) -> list[str]:
    """What is wrong with the overrides of a form, one sentence each: a switch and its reason belong together.

    The jobs say the same of their own override, but the gate's job comes after hours of training.
    """
    return [
        problem
        for config_type, switch, reason in _OVERRIDES
        if switch in params
        for problem in reason_problems(
            bool(params[switch]), str(params.get(reason) or ""), f'"{_title(config_type, switch)}" ({switch})'
        )
    ]


def _unknown(name: str, fields: Collection[str]) -> str:
    # Airflow takes any name and ignores it: a misspelt one would train with the default.
    near = difflib.get_close_matches(name, fields, n=1)
    return f"{name} is no field of the form" + (f": {near[0]} is" if near else "")


def _title(config_type: type[Any], name: str) -> str:
    return str(config_type.__dataclass_fields__[name].metadata["title"])
