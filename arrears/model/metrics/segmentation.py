"""What customer segments look like: how far apart they lie, how large they are, and who is in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class SegmentProfile:
    """The customers of one segment.

    Attributes:
        segment: from 1 for the largest in training. 0: all customers.
        means: numeric feature → mean of its known values. None where there are none.
        commonest: category → its commonest level and the share of the segment's customers that have it.
    """

    segment: int
    rows: int
    share: float
    default_rate: float
    means: dict[str, float | None] = field(default_factory=dict)
    commonest: dict[str, tuple[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Segmentation:
    """How well customers fall into segments, on rows that no segment was fitted to.

    Attributes:
        silhouette: mean over customers of (b - a) / max(a, b), where a is the mean squared distance to the own segment
            and b to the nearest other (Rousseeuw 1987, squared Euclidean, standardised inputs): 1 is far apart, 0 is
            no structure. 0 too where all customers fall into one segment.
        profiles: of every segment that has a customer, by number.
        everyone: the same of all customers.
    """

    silhouette: float
    profiles: tuple[SegmentProfile, ...]
    everyone: SegmentProfile

    def metrics(self) -> dict[str, float]:
        """The figures by name, as MLflow keeps them."""
        rates = [profile.default_rate for profile in self.profiles]
        return {
            "silhouette": self.silhouette,
            "rows": self.everyone.rows,
            "segments": len(self.profiles),
            "smallest_share": min(profile.share for profile in self.profiles),
            "largest_share": max(profile.share for profile in self.profiles),
            "default_rate_range": max(rates) - min(rates),
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, for JSON."""
        return {
            **self.metrics(),
            "everyone": asdict(self.everyone),
            "profiles": [asdict(profile) for profile in self.profiles],
        }
