"""What counts as a leak, judged from counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from arrears.contracts.tables.leak_limits import LeakLimits, leak_limit_problems
from arrears.model.features.binning import BinnedCounts, Bins, FeaturePower
from arrears.model.features.information_value import feature_power
from arrears.model.features.leaks import (
    CONTENT,
    ROWS,
    Overlap,
    are_copies,
    auc_error,
    information_value_error,
    overlap_leaks,
    power_leaks,
    time_leaks,
)


def a_power(name: str = "income", **different: Any) -> FeaturePower:
    honest = {"auc": 0.6, "information_value": 0.2, "purest_share": 0.05, "purest_rate": 0.3, "purest_low": 0.25}
    return FeaturePower(name=name, **{**honest, **different})


def alike(rows: int, *, rate: float = 0.2, conflicts: float = 0.0) -> Overlap:
    return Overlap(CONTENT, rows, rows, rows, round(rate * rows), conflicts)


def everyone(rows: int = 1000) -> Overlap:
    return Overlap(ROWS, 1, 2 * rows, rows, rows // 5, 0.0)


def test_a_date_after_the_decision_is_told_with_its_rows() -> None:
    assert time_leaks({"paid_on": 12, "applied_on": 0}, event_time="decided_on", rows=1000) == [
        "date paid_on is later than the decision (decided_on) in 12 of 1,000 rows"
    ]


def test_one_borrower_and_one_customer_on_both_sides_are_leaks() -> None:
    shared = [everyone(), Overlap("borrower_id", 1, 1, 1, 0, 0.0), Overlap("customer_id", 2, 3, 4, 1, 1.0)]

    assert overlap_leaks(shared) == [
        "1 values of borrower_id stand on both sides of the split: 1 of 1,000 held-out rows and 1 training rows have"
        " them",
        "2 values of customer_id stand on both sides of the split: 4 of 1,000 held-out rows and 3 training rows have"
        " them",
    ]


def test_sides_that_share_nothing_are_no_leak() -> None:
    assert overlap_leaks([everyone()]) == []
    assert overlap_leaks([]) == []


def test_copied_rows_are_told_with_what_chance_would_give() -> None:
    (leak,) = overlap_leaks([everyone(), alike(100)])

    assert leak.startswith("100 of 1,000 held-out rows and 100 training rows have the same features, and their")
    assert "outcomes differ in 0 where 32 would by chance" in leak


def test_rows_alike_by_chance_are_no_leak_however_many() -> None:
    # Of 10,000 borrowers alike, features explain a fifth of what the outcome varies.
    assert overlap_leaks([everyone(), alike(10_000, conflicts=0.8 * 3200)]) == []


def test_half_the_conflicts_of_chance_are_needed_to_pass() -> None:
    assert are_copies(alike(10_000, conflicts=1599))
    assert not are_copies(alike(10_000, conflicts=1601))


@pytest.mark.parametrize(("rows", "told"), [(25, False), (30, True)])
def test_a_handful_of_rows_alike_is_too_few_to_tell(rows: int, told: bool) -> None:
    # Without any conflict at a rate of 20 %: chance gives as few once in a thousand sets of 27 rows.
    assert math.log(1000) / (0.8 * 2 * 0.2 * 0.8) == pytest.approx(27, abs=0.1)
    assert are_copies(alike(rows)) == told


def test_rows_alike_of_which_none_defaults_tell_nothing() -> None:
    assert not are_copies(alike(10_000, rate=0.0))


@pytest.mark.parametrize("rows", [20, 200])
def test_borrowers_drawn_at_random_are_seldom_taken_for_copies_and_copies_always(rows: int) -> None:
    random = np.random.default_rng(1)
    default = 0.3
    taken, found = 0, 0
    for _ in range(500):
        held_out, train = random.random((2, rows)) < default
        conflicts = int((held_out != train).sum())
        taken += are_copies(Overlap(CONTENT, rows, rows, rows, int(held_out.sum()), float(conflicts)))
        found += are_copies(Overlap(CONTENT, rows, rows, rows, int(held_out.sum()), 0.0))

    assert taken <= 2
    assert found == 500 or rows == 20


def test_an_honest_feature_is_no_leak() -> None:
    # The strongest of six real sets: sub_grade, PAY_0, payments.
    honest = [
        a_power(
            "sub_grade", auc=0.7456, information_value=0.90, purest_share=0.002, purest_rate=0.318, purest_low=0.16
        ),
        a_power("PAY_0", auc=0.7124, information_value=0.88, purest_share=0.011, purest_rate=0.758, purest_low=0.708),
        a_power("payments", auc=0.7389, information_value=0.82),
    ]

    assert power_leaks(honest, rows=10_000, defaults=1500) == []


def test_a_feature_known_after_the_outcome_is_told_with_each_sign() -> None:
    after = a_power(
        "recoveries",
        auc=0.9944,
        information_value=14.43,
        purest_group="above 3",
        purest_share=0.05,
        purest_rate=1.0,
        purest_low=0.998,
    )

    assert power_leaks([a_power(), after], rows=40_000, defaults=6000) == [
        "feature recoveries alone tells too much: AUC 0.994, at most 0.8 is plausible; information value 14.43, at"
        " most 1.5 is; 100.0% of the 2,000 rows in its bin 'above 3' default"
    ]


def test_a_fee_that_few_defaulters_pay_is_told_however_weak_it_is_alone() -> None:
    # 0.8 % of the rows, all of them defaults: AUC and information value are those of an honest feature.
    fee = Bins("fee", edges=(0.0,))
    half = BinnedCounts(fee, (4960, 40, 0), (460, 40, 0))
    power = feature_power(half, half)

    assert power.auc < 0.55
    assert power_leaks([power], rows=10_000, defaults=1000) == [
        "feature fee alone tells too much: 100.0% of the 80 rows in its bin 'above 0' default"
    ]


@pytest.mark.parametrize(
    ("unpaid", "group"), [((0, 0, 900), "where it has a value"), ((900, 0, 0), "where it is missing")]
)
def test_a_group_across_bins_is_told_too(unpaid: tuple[int, int, int], group: str) -> None:
    # Twenty rows a bin are too few to be sure of; all that have a value are enough.
    paid = tuple(0 if rows else 20 for rows in unpaid) if group.endswith("value") else (0, 0, 40)
    half = BinnedCounts(Bins("fee", edges=(1.0,)), tuple(map(sum, zip(unpaid, paid, strict=True))), paid)

    (leak,) = power_leaks([feature_power(half, half)], rows=1880, defaults=80)

    assert f"100.0% of the 80 rows {group} default" in leak


def test_a_leak_says_whether_its_missing_values_or_its_values_tell() -> None:
    bins = Bins("seniority", edges=(5.0,))
    missing = BinnedCounts(bins, (400, 400, 200), (40, 44, 170))
    values = BinnedCounts(bins, (400, 400, 200), (4, 230, 30))

    (by_missing,) = power_leaks([feature_power(missing, missing)], rows=2000, defaults=508, limits=LeakLimits(auc=0.7))
    (by_value,) = power_leaks([feature_power(values, values)], rows=2000, defaults=528, limits=LeakLimits(auc=0.7))

    assert by_missing.endswith(
        "told by where it is missing (20.0% of the rows, 85.0% of them default: AUC 0.815 alone) more than by its"
        " values (AUC 0.513 where it has one)"
    )
    assert "told by its values (AUC 0.8" in by_value


def test_the_limits_are_the_data_sets_own() -> None:
    strong = [a_power(auc=0.83, information_value=1.9, purest_rate=0.96, purest_low=0.95)]
    count = {"rows": 40_000, "defaults": 6000}

    assert power_leaks(strong, **count)
    assert not power_leaks(
        strong, **count, limits=LeakLimits.of({"auc": 0.85, "information_value": 2, "default_rate": 1})
    )
    (leak,) = power_leaks([a_power()], **count, limits=LeakLimits.of({"auc": 0.55}))
    assert leak == "feature income alone tells too much: AUC 0.600, at most 0.55 is plausible"


def test_limits_that_cannot_be_applied_are_named_together() -> None:
    assert leak_limit_problems({"auc": 0.9, "information_value": 3, "default_rate": 1}) == []
    assert leak_limit_problems({"auc": 0.5, "gini": 0.6, "default_rate": "much", "information_value": 0}) == [
        "leak_limits has no key gini; keys are auc, information_value, default_rate",
        "leak_limits.auc 0.5 must lie above 0.5 and be at most 1",
        "leak_limits.default_rate must be a number, not 'much'",
        "leak_limits.information_value 0 must lie above 0",
    ]
    assert leak_limit_problems([0.8]) == ["leak_limits must hold limits such as {auc: 0.85}, not [0.8]"]


@pytest.mark.parametrize("strong", [{"auc": 0.83}, {"information_value": 1.9}])
def test_a_small_set_has_the_benefit_of_the_doubt(strong: dict[str, float]) -> None:
    assert power_leaks([a_power(**strong)], rows=40_000, defaults=6000)
    assert not power_leaks([a_power(**strong)], rows=300, defaults=45)


def test_a_bin_of_defaults_alone_is_no_news_where_most_default() -> None:
    pure = a_power(purest_share=0.1, purest_rate=1.0, purest_low=0.996)

    assert power_leaks([pure], rows=10_000, defaults=3900)
    assert not power_leaks([pure], rows=10_000, defaults=4100)


@pytest.mark.parametrize("defaults", [0, 100])
def test_a_set_of_one_class_tells_nothing_of_power(defaults: int) -> None:
    assert power_leaks([a_power(auc=1.0)], rows=100, defaults=defaults) == []


def test_the_standard_errors_are_those_of_repeated_draws() -> None:
    random = np.random.default_rng(7)
    label = np.repeat([1, 0], [120, 480])
    aucs, values = [], []
    for _ in range(400):
        score = random.normal(size=600) + 1.2 * label
        aucs.append(roc_auc_score(label, score))
        bins = np.digitize(score, [-1, -0.4, 0, 0.4, 0.8, 1.2, 1.6, 2.2])
        bad, good = (np.bincount(bins[label == c], minlength=9) + 0.5 for c in (1, 0))
        gaps = bad / bad.sum() - good / good.sum()
        values.append(float((gaps * np.log((bad / bad.sum()) / (good / good.sum()))).sum()))

    assert np.std(aucs) == pytest.approx(auc_error(float(np.mean(aucs)), 600, 120), rel=0.15)
    assert np.std(values) == pytest.approx(information_value_error(float(np.mean(values)), 600, 120), rel=0.25)
