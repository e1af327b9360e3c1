"""Settings of an engine by its own names, as a configuration gives them: ``name=value`` texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def parsed_options(options: Sequence[str]) -> dict[str, Any]:
    """The settings by name. A value that is JSON (5, 0.1, true, ["0:1024"]) is read as such, any other is text.

    >>> parsed_options(["boosting_type=Ordered", "l2_leaf_reg=5"])
    {'boosting_type': 'Ordered', 'l2_leaf_reg': 5}
    """
    return {name.strip(): _value(text.strip()) for name, _, text in (option.partition("=") for option in options)}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
