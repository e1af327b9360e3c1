"""The switches of the forms that set a check aside: each needs its reason before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arrears.contracts.gate_rules import reason_problems
from arrears.contracts.jobs import PromoteModelConfig, TrainModelConfig

_OVERRIDES = (
    (PromoteModelConfig, "gate_override", "override_reason"),
    (TrainModelConfig, "leak_override", "leak_override_reason"),
)


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


def _title(config_type: type[Any], name: str) -> str:
    return str(config_type.__dataclass_fields__[name].metadata["title"])
