"""What a look at a data set finds before a model is trained: one record a feature, and how features go together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arrears.model.features.binning import BinnedCounts, FeaturePower, target_rates, weights_of_evidence

HISTOGRAM_BARS = 20


@dataclass(frozen=True)
class NumberSummary:
    """The middle, spread and limits of a number's finite values.

    Attributes:
        mean, deviation: None where values are too large to be summed up.
        quantiles: share of the sampled values → the value that this share does not exceed.
    """

    mean: float | None
    deviation: float | None
    minimum: float
    maximum: float
    quantiles: dict[float, float]


@dataclass(frozen=True)
class ExploredFeature:
    """All that is known of one feature.

    Attributes:
        counts: in bins of about equal rows, or by level.
        histogram: in bins of equal width between the outer percentiles, as a plot shows it. Of a category: ``counts``.
        distinct_count: different values in the sample.
        numbers: None for a category, and for a number without any value.
        power: None where the rows have no label.
        drift: population stability index of what is compared. None: nothing is.
        meaning: its line in the feature catalogue. Empty: there is none.
    """

    counts: BinnedCounts
    histogram: BinnedCounts
    distinct_count: int
    numbers: NumberSummary | None = None
    power: FeaturePower | None = None
    drift: float | None = None
    meaning: str = ""

    @property
    def name(self) -> str:
        """The column."""
        return self.counts.name

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, for JSON."""
        fields: dict[str, Any] = {
            "name": self.name,
            "kind": "number" if self.counts.bins.levels is None else "category",
            "meaning": self.meaning,
            "missing_share": self.counts.missing_share,
            "distinct_in_sample": self.distinct_count,
            "drift_psi": self.drift,
            "bins": _bin_rows(self.counts),
        }
        if self.histogram is not self.counts:
            fields["histogram"] = _bin_rows(self.histogram)
        if self.numbers:
            fields |= {name: getattr(self.numbers, name) for name in ("mean", "deviation", "minimum", "maximum")}
            fields["quantiles"] = {f"{share:g}": value for share, value in self.numbers.quantiles.items()}
        if self.power:
            fields |= {name: getattr(self.power, name) for name in ("auc", "information_value")}
        return fields


@dataclass(frozen=True)
class Associations:
    """How strongly features go together, two by two.

    Attributes:
        strengths: Pearson's correlation of numbers (signed), Cramér's V of categories, eta of both. NaN: undefined.
    """

    names: tuple[str, ...]
    strengths: tuple[tuple[float, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, for JSON. What is undefined is null."""
        rows = [[None if math.isnan(strength) else strength for strength in row] for row in self.strengths]
        return {"names": list(self.names), "strengths": rows}


@dataclass(frozen=True)
class Exploration:
    """What one look at a partition of a data set found.

    Attributes:
        defaults: None where the rows have no label.
        sampled_rows: rows from which bin limits, quantiles and distinct values were read.
        associations: of the strongest features, where there are many.
        compared: what the drift compares, such as two periods by name. None: nothing.
    """

    dataset: str
    table: str
    partition: str
    rows: int
    defaults: int | None
    sampled_rows: int
    features: tuple[ExploredFeature, ...]
    associations: Associations
    compared: tuple[str, str] | None = None

    @property
    def by_information(self) -> list[ExploredFeature]:
        """Features by falling information value, or in their own order where the rows have no label."""
        return sorted(self.features, key=lambda f: -f.power.information_value if f.power else 0.0)

    @property
    def by_missing(self) -> list[ExploredFeature]:
        """Features with missing values, those with the most first."""
        holed = [feature for feature in self.features if feature.counts.missing_share > 0]
        return sorted(holed, key=lambda feature: -feature.counts.missing_share)

    @property
    def by_drift(self) -> list[ExploredFeature]:
        """Compared features, those that moved most first."""
        moved = [feature for feature in self.features if feature.drift is not None]
        return sorted(moved, key=lambda feature: -(feature.drift or 0.0))

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, for JSON."""
        names = ("dataset", "table", "partition", "rows", "defaults", "sampled_rows")
        return {name: getattr(self, name) for name in names} | {
            "compared": list(self.compared) if self.compared else None,
            "features": [feature.to_dict() for feature in self.features],
            "associations": self.associations.to_dict(),
        }


def histogram_edges(quantiles: Sequence[float], edges: tuple[float, ...], distinct_count: int) -> tuple[float, ...]:
    """Limits of bars of equal width, or a bar for each value where a feature has few.

    Args:
        quantiles: rising. Bars reach from the first to the last. Where these are equal, ``edges`` are used.
        edges: limits of bins of about equal rows.
        distinct_count: different values of the feature.
    """
    low, high = quantiles[0], quantiles[-1]
    if distinct_count <= len(edges) + 1 or not math.isfinite(high - low) or low >= high:
        return edges
    # Small whole numbers: a bar a value reads better than bars that hold one value here and two there.
    if high - low <= HISTOGRAM_BARS and all(float(value).is_integer() for value in quantiles):
        return tuple(float(edge) for edge in np.arange(low, high))
    return tuple(dict.fromkeys(float(edge) for edge in np.linspace(low, high, HISTOGRAM_BARS + 1)))


def _bin_rows(counts: BinnedCounts) -> list[dict[str, Any]]:
    labels = counts.bins.labels
    rows: list[dict[str, Any]] = [{"bin": name, "rows": n} for name, n in zip(labels, counts.rows, strict=True)]
    if counts.defaults is None:
        return rows
    per_bin = zip(rows, counts.defaults, target_rates(counts), weights_of_evidence(counts), strict=True)
    return [
        row | {"defaults": bad, "rate": rate.rate, "low": rate.low, "high": rate.high, "weight_of_evidence": weight}
        for row, bad, rate, weight in per_bin
    ]
