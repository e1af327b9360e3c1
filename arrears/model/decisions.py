"""Who becomes champion: a rule that anyone can check by hand.

A first champion must exceed every floor of its data set. A later one must do so too, and its AUC must be higher
than the present champion's on the same rows; a tie keeps the champion. A metric that is missing or not a number never
helps a candidate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

COMPARED = "auc"


@dataclass(frozen=True)
class Decision:
    """What became of a candidate, and why, in sentences for the report mail."""

    outcome: Literal["promoted", "kept", "refused"]
    reasons: tuple[str, ...]


def decide(
    candidate: Mapping[str, float | None],
    champion: Mapping[str, float | None] | None,
    floors: Mapping[str, float],
) -> Decision:
    """Decides whether a candidate becomes champion; ``kept`` is a success too: the present champion is as good.

    Args:
        candidate: metric name to value, measured on held-out rows.
        champion: the present champion's metrics on the same rows; none: there is no champion yet.
        floors: metric name to the limit that the candidate must exceed.
    """
    auc = _number(candidate, COMPARED)
    failures = [reason for name, floor in floors.items() if (reason := _shortfall(candidate, name, floor))]
    if auc is None:
        failures.append(f"the candidate has no {COMPARED}")
    if failures:
        return Decision("refused", tuple(dict.fromkeys(failures)))
    met = tuple(f"{name} {candidate[name]:.4f} exceeds its floor {floor:g}" for name, floor in floors.items())
    if champion is None:
        return Decision("promoted", (*met, "there is no champion yet"))
    return _against_champion(auc, _number(champion, COMPARED), met)


def _against_champion(auc: float | None, champion_auc: float | None, met: tuple[str, ...]) -> Decision:
    if auc is None or champion_auc is None:
        return Decision("kept", (*met, f"the champion's {COMPARED} on these rows is unknown: nothing to beat it with"))
    if auc > champion_auc:
        return Decision("promoted", (*met, f"{COMPARED} {auc:.6f} beats the champion's {champion_auc:.6f}"))
    relation = "equals" if auc == champion_auc else "does not beat"
    return Decision("kept", (*met, f"{COMPARED} {auc:.6f} {relation} the champion's {champion_auc:.6f}"))


def _shortfall(metrics: Mapping[str, float | None], name: str, floor: float) -> str:
    value = _number(metrics, name)
    if value is None:
        return f"the candidate has no {name}, which must exceed {floor:g}"
    # Written so that a floor that is not a number is never exceeded.
    return "" if value > floor else f"{name} {value:.4f} does not exceed its floor {floor:g}"


def _number(metrics: Mapping[str, float | None], name: str) -> float | None:
    value = metrics.get(name)
    return value if value is not None and math.isfinite(value) else None
