"""What moves a model's estimates: how much each feature does, and which way its values push.

A contribution (SHAP value; Lundberg and Lee 2017) is what a feature's value added to one borrower's log-odds of
default. The contributions of all features and a base value add up to the estimate. Importance is their mean absolute
size over a sample of borrowers, dependence their scatter over the feature's values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ImportanceKind = Literal["shap", "engine"]


@dataclass(frozen=True)
class Dependence:
    """How a feature's contribution follows its value. Rows are sorted, so no two features' points can be joined.

    Attributes:
        values: numbers, or the levels of a category. None where missing.
        contributions: to the log-odds, above 0 towards default.
    """

    feature: str
    values: tuple[float | str | None, ...]
    contributions: tuple[float, ...]

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers. A feature that is missing everywhere counts as one."""
        return not any(isinstance(value, str) for value in self.values)


@dataclass(frozen=True)
class Explanation:
    """Which features matter to a model, and how.

    Attributes:
        kind: ``shap``: importance is the mean absolute contribution to the log-odds. ``engine``: the engine's own
            measure, all together 100, for models without exact contributions.
        importance: raw feature to importance, the largest first.
        dependence: of the leading features. Empty where the kind is ``engine``.
        rows: borrowers in the sample. 0 where the kind is ``engine``.
        auc_losses: leading feature → what the AUC in the sample loses when its values are shuffled, the largest first.
            Empty where the outcomes are not known.
    """

    kind: ImportanceKind
    importance: dict[str, float]
    dependence: tuple[Dependence, ...] = ()
    rows: int = 0
    auc_losses: dict[str, float] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Explanation:
        """Reads what ``to_dict`` wrote."""
        dependence = tuple(
            Dependence(each["feature"], tuple(each["values"]), tuple(each["contributions"]))
            for each in content["dependence"]
        )
        return cls(
            content["kind"],
            dict(content["importance"]),
            dependence,
            content["rows"],
            dict(content.get("auc_losses", {})),
        )


def ranked(importance: dict[str, float]) -> dict[str, float]:
    """The largest first, equal ones by name."""
    return dict(sorted(importance.items(), key=lambda item: (-item[1], item[0])))
