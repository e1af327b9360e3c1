"""Timing several ways to do the same side by side, so that what slows the machine down slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def medians(runs: Mapping[str, Callable[[], None]], *, rounds: int, warm_up: int) -> dict[str, float]:
    """The median seconds of each run over alternating rounds. Warm-up rounds go before them and do not count."""
    durations: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(warm_up + rounds):
        for name, run in runs.items():
            began = time.monotonic()
            run()
            if number >= warm_up:
                durations[name].append(time.monotonic() - began)
    return {name: statistics.median(seconds) for name, seconds in durations.items()}
