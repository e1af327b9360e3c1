"""How a measurement is written down: the same fields for every benchmark, one JSON line each."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil

RESULTS = Path(__file__).with_name("results.jsonl")


@dataclass(frozen=True)
class Measurement:
    """One value, its goal, and which of the two directions is better."""

    name: str
    value: float
    goal: float
    better: Literal["lower", "higher"]
    unit: str
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        return self.value <= self.goal if self.better == "lower" else self.value >= self.goal


def keep(measurement: Measurement) -> None:
    """Append the measurement, with the machine and the time, to bench/results.jsonl."""
    line = {**asdict(measurement), "machine": _machine(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    with RESULTS.open("a") as file:
        file.write(json.dumps(line, sort_keys=True) + "\n")


def shown(measurements: Sequence[Measurement]) -> str:
    rows = [("name", "value", "goal", "", "detail")]
    for each in measurements:
        goal = f"{'≤' if each.better == 'lower' else '≥'} {each.goal:g} {each.unit}"
        detail = ", ".join(f"{name} {value}" for name, value in each.detail.items())
        digits = 4 if each.unit == "AUC" else 2
        value = f"{round(each.value, digits) + 0.0:.{digits}f} {each.unit}"  # never -0.00
        rows.append((each.name, value, goal, "met" if each.is_met else "MISSED", detail))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _machine() -> dict[str, Any]:
    memory = round(psutil.virtual_memory().total / 1024**3, 1)
    return {
        "cores": os.cpu_count(),
        "memory_gib": memory,
        "system": platform.platform(),
        "python": platform.python_version(),
    }
