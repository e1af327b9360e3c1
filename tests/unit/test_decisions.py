"""The promotion gate: nothing becomes champion without proof."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.model.decisions import decide

FLOORS = {"auc_low": 0.60}
GOOD = {"auc": 0.75, "auc_low": 0.70}

# Few values, so that candidates that pass all but one condition are common.
values = st.sampled_from([None, math.nan, math.inf, -math.inf, 0.5, 0.6, 0.7])
metrics = st.dictionaries(st.sampled_from(["auc", "auc_low", "ks"]), values)


def test_first_champion_is_promoted_when_it_exceeds_the_floors() -> None:
    assert decide(GOOD, None, FLOORS).outcome == "promoted"


def test_candidate_is_refused_when_it_only_reaches_a_floor() -> None:
    decision = decide({"auc": 0.75, "auc_low": 0.60}, None, FLOORS)
    assert decision.outcome == "refused"
    assert decision.reasons == ("auc_low 0.6000 does not exceed its floor 0.6",)


def test_every_failure_is_named_when_a_candidate_is_refused() -> None:
    decision = decide({"auc_low": 0.5}, None, {"auc_low": 0.60, "ks": 0.2})
    assert len(decision.reasons) == 3


def test_better_candidate_is_refused_when_it_misses_a_floor() -> None:
    assert decide({"auc": 0.75, "auc_low": 0.5}, {"auc": 0.6}, FLOORS).outcome == "refused"


def test_candidate_is_promoted_when_it_beats_the_champion() -> None:
    assert decide(GOOD, {"auc": 0.74}, FLOORS).outcome == "promoted"


@pytest.mark.parametrize("champion_auc", [0.75, 0.76])
def test_champion_is_kept_when_it_is_as_good_or_better(champion_auc: float) -> None:
    assert decide(GOOD, {"auc": champion_auc}, FLOORS).outcome == "kept"


def test_champion_is_kept_when_its_own_auc_is_unknown() -> None:
    assert decide(GOOD, {}, FLOORS).outcome == "kept"


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_candidate_is_refused_when_its_auc_is_no_number(value: float | None) -> None:
    assert decide({"auc": value, "auc_low": 0.7}, None, FLOORS).outcome == "refused"


@given(
    metrics,
    st.none() | metrics,
    st.dictionaries(st.sampled_from(["auc_low", "ks"]), st.sampled_from([math.nan, 0.5, 0.6])),
)
def test_nothing_is_promoted_when_a_metric_is_missing(
    candidate: dict[str, float | None], champion: dict[str, float | None] | None, floors: dict[str, float]
) -> None:
    decision = decide(candidate, champion, floors)
    assert decision.reasons
    if decision.outcome == "promoted":
        needed = [candidate.get(name) for name in ("auc", *floors)]
        needed += [champion.get("auc")] if champion is not None else []
        assert all(value is not None and math.isfinite(value) for value in needed)
        assert all(candidate[name] > floor for name, floor in floors.items())
        assert champion is None or candidate["auc"] > champion["auc"]
