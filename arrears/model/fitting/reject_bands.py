"""What rejected applicants are taken for, from counts by band of a score. See docs/adr/0057.

* **Augmentation** (Hsia 1978; Hand and Henley 1993): accepted borrowers of a band of the probability of rejection
  count for all applicants of that band. Rejected applicants are taken to be like accepted ones of the same band.
* **Parcelling** (Siddiqi 2006; Anderson 2007): of the rejected applicants of a band of the default probability as
  large a share is taken for bad as of the accepted borrowers there, times a factor.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

MOST_BANDS = 10
LEAST_DEFAULTS = 10  # of a band, on average: the bad rate of fewer is mostly chance


@dataclass(frozen=True)
class Band:
    """Applicants whose scores lie between two limits.

    Attributes:
        defaults: of the accepted borrowers.
    """

    accepted: int
    defaults: int
    rejected: int


def band_count(defaults: int) -> int:
    """Into how many bands accepted borrowers with so many defaults are put."""
    return max(1, min(MOST_BANDS, defaults // LEAST_DEFAULTS))


def band_of(score: float, limits: Sequence[float]) -> int:
    """The number of the band that a score lies in. ``limits`` are the upper ends of all bands but the last.

    >>> [band_of(score, (0.1, 0.2)) for score in (0.05, 0.1, 0.15, 0.9)]
    [0, 0, 1, 2]
    """
    return bisect_left(limits, score)


def augmentation_weights(bands: Sequence[Band]) -> tuple[float, ...]:
    """How much an accepted borrower of each band counts: for all applicants of the band.

    >>> augmentation_weights([Band(accepted=90, defaults=9, rejected=10), Band(accepted=20, defaults=5, rejected=60)])
    (1.1111111111111112, 4.0)
    """
    return tuple((band.accepted + band.rejected) / band.accepted if band.accepted else 1.0 for band in bands)


def parcelled_rates(bands: Sequence[Band], *, factor: float) -> tuple[float, ...]:
    """Which share of each band's rejected applicants is taken for bad.

    >>> parcelled_rates([Band(100, 5, 10), Band(50, 20, 60)], factor=1.5)
    (0.075, 0.6)
    """
    whole = sum(band.defaults for band in bands) / max(1, sum(band.accepted for band in bands))
    return tuple(min(1.0, factor * (band.defaults / band.accepted if band.accepted else whole)) for band in bands)


def inferred_bad_rate(bands: Sequence[Band], rates: Sequence[float]) -> float:
    """Which share of all rejected applicants is taken for bad."""
    rejected = sum(band.rejected for band in bands)
    return sum(rate * band.rejected for rate, band in zip(rates, bands, strict=True)) / max(1, rejected)
