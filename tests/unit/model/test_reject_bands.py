from __future__ import annotations

import pytest

from arrears.model.fitting.reject_bands import (
    Band,
    augmentation_weights,
    band_count,
    inferred_bad_rate,
    parcelled_rates,
)

BANDS = (Band(accepted=90, defaults=9, rejected=10), Band(accepted=20, defaults=8, rejected=60))


def test_accepted_borrowers_count_for_all_applicants_of_their_band() -> None:
    weights = augmentation_weights(BANDS)

    assert weights == pytest.approx((100 / 90, 80 / 20))
    assert sum(w * band.accepted for w, band in zip(weights, BANDS, strict=True)) == pytest.approx(180)


def test_rejected_applicants_are_bad_at_the_rate_of_their_band_times_a_factor() -> None:
    assert parcelled_rates(BANDS, factor=1.0) == pytest.approx((0.1, 0.4))
    assert parcelled_rates(BANDS, factor=3.0) == pytest.approx((0.3, 1.0))
    assert inferred_bad_rate(BANDS, parcelled_rates(BANDS, factor=1.0)) == pytest.approx((1 + 24) / 70)


def test_a_band_without_accepted_borrowers_has_the_rate_of_all() -> None:
    assert parcelled_rates((*BANDS, Band(0, 0, 5)), factor=1.0)[2] == pytest.approx(17 / 110)
    assert augmentation_weights([Band(0, 0, 5)]) == (1.0,)


@pytest.mark.parametrize(("defaults", "bands"), [(0, 1), (19, 1), (35, 3), (5000, 10)])
def test_few_defaults_make_few_bands(defaults: int, bands: int) -> None:
    assert band_count(defaults) == bands
