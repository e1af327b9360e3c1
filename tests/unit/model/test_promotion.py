"""The promotion gate: nothing becomes champion without proof."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arrears.contracts.gate_rules import GateRules
from arrears.model.gate.promotion import Decision, decide, overridden, overridden_leaks, with_leaks
from arrears.model.gate.rules import LEAKS

RULES = GateRules(floors={"auc_low": 0.60})
NOT_WORSE = GateRules(floors={"auc_low": 0.60}, gate="not_worse", tolerance=0.01)
EASY = GateRules(floors={"auc": 0.85, "accuracy": 0.80, "f1": 0.75}, ceilings={"ece": 0.05})
CLEAN = {LEAKS: 0.0}
GOOD = {"auc": 0.75, "auc_low": 0.70, **CLEAN}
SHARED = {"compared_rows": 4000.0, "compared_defaults": 800.0}
CHAMPION = {"auc": 0.74}


def beside_champion(value: float | None, low: float | None, high: float | None) -> dict[str, float | None]:
    """A good candidate whose AUC differs by this much from the champion's on shared rows."""
    return {**GOOD, **SHARED, "auc_difference": value, "auc_difference_low": low, "auc_difference_high": high}


# Few values, so that candidates that pass all but one condition are common.
values = st.sampled_from([None, math.nan, math.inf, -math.inf, 0.0, 0.5, 0.6, 0.7])
metrics = st.dictionaries(
    st.sampled_from(["auc", "auc_low", "ece", "auc_difference_low", LEAKS]), values
) | st.dictionaries(st.sampled_from(["auc", "auc_low", "ece", "auc_difference_low", LEAKS]), values).map(
    lambda found: {**found, **SHARED}
)
rules = st.builds(
    GateRules,
    floors=st.dictionaries(st.sampled_from(["auc_low", "ks"]), st.sampled_from([math.nan, 0.5, 0.6])),
    ceilings=st.dictionaries(st.just("ece"), st.sampled_from([0.5, 0.6])),
    gate=st.sampled_from(["better", "not_worse"]),
    tolerance=st.sampled_from([0.0, 0.1]),
)
BETTER_WHEN_LOWER = ("ece", LEAKS)


def unmet(decision: Decision) -> list[str]:
    return [verdict.rule for verdict in decision.unmet]


def test_first_champion_is_promoted_when_it_exceeds_the_floors() -> None:
    assert decide(GOOD, None, RULES).outcome == "promoted"


def test_candidate_is_refused_when_it_only_reaches_a_floor() -> None:
    decision = decide({**GOOD, "auc_low": 0.60}, None, RULES)
    assert decision.outcome == "refused"
    assert decision.reasons == ("auc_low 0.6000 does not exceed its floor 0.6",)


def test_reason_shows_the_digits_that_decide() -> None:
    told = decide({**GOOD, "auc_low": 0.60004, "ece": 0.05000001}, None, GateRules({"auc_low": 0.6}, {"ece": 0.05}))
    assert [verdict.reason for verdict in told.verdicts[:2]] == [
        "auc_low 0.60004 exceeds its floor 0.6",
        "ece 0.05000001 exceeds its ceiling 0.05",
    ]


def test_candidate_is_promoted_when_it_only_reaches_a_ceiling() -> None:
    within = {**GOOD, "ece": 0.05}
    assert decide(within, None, GateRules(ceilings={"ece": 0.05})).outcome == "promoted"
    assert decide({**within, "ece": 0.0501}, None, GateRules(ceilings={"ece": 0.05})).outcome == "refused"


def test_every_rule_has_its_verdict_when_a_candidate_is_judged() -> None:
    decision = decide({"auc": 0.86, "accuracy": 0.79, "ece": 0.051, **CLEAN}, None, EASY)
    assert decision.outcome == "refused"
    assert [(v.rule, v.value, v.limit, v.met) for v in decision.verdicts] == [
        ("auc > 0.85", 0.86, 0.85, True),
        ("accuracy > 0.8", 0.79, 0.80, False),
        ("f1 > 0.75", None, 0.75, False),
        ("ece <= 0.05", 0.051, 0.05, False),
        ("auc_low > 0.5", None, 0.5, False),
        ("no unexplained leak", 0.0, 0.0, True),
        ("auc is measured", 0.86, None, True),
    ]
    assert decision.reasons == tuple(verdict.reason for verdict in decision.unmet)


@pytest.mark.parametrize("champion_auc", [0.6, None])
def test_better_candidate_is_refused_when_it_misses_a_floor(champion_auc: float | None) -> None:
    assert decide({**GOOD, "auc_low": 0.5}, {"auc": champion_auc}, RULES).outcome == "refused"


@pytest.mark.parametrize(
    ("difference", "outcome", "told"),
    [
        (
            (0.0100, 0.0021, 0.0179),
            "promoted",
            "by +0.0100, 95 % interval +0.0021 to +0.0179: it is better beyond chance",
        ),
        (
            (0.0034, -0.0039, 0.0108),
            "kept",
            "by +0.0034, 95 % interval -0.0039 to +0.0108: it is not shown to be better, the difference may be chance",
        ),
        ((-0.02, -0.03, -0.01), "kept", "95 % interval -0.0300 to -0.0100: it is worse beyond chance"),
        ((0.0, 0.0, 0.0), "kept", "it is not shown to be better"),
        ((0.01, 0.0, 0.02), "kept", "it is not shown to be better"),
        ((0.01, None, None), "kept", "the candidate has no auc_difference_low"),
        ((0.01, math.nan, 0.02), "kept", "the candidate has no auc_difference_low"),
    ],
)
def test_champion_changes_when_the_whole_interval_of_the_difference_lies_above_zero(
    difference: tuple[float | None, float | None, float | None], outcome: str, told: str
) -> None:
    decision = decide(beside_champion(*difference), CHAMPION, RULES)
    assert decision.outcome == outcome
    assert decision.verdicts[-1].rule == "auc_difference_low > 0"
    assert told in decision.verdicts[-1].reason


def test_verdict_on_the_champion_says_on_which_rows() -> None:
    told = decide(beside_champion(0.01, 0.002, 0.018), CHAMPION, RULES).verdicts[-1].reason
    assert told.startswith("on 4,000 held-out borrowers that neither has learnt from (800 defaults) its AUC differs")


@pytest.mark.parametrize(
    ("rows", "defaults", "told"),
    [
        (
            99,
            40,
            "only 99 held-out rows with 40 defaults are unknown to both, and 100 with 20 of each outcome are needed",
        ),
        (4000, 19, "only 4,000 held-out rows with 19 defaults are unknown to both"),
        (4000, 3981, "only 4,000 held-out rows with 3,981 defaults are unknown to both"),
        (0, 0, "only 0 held-out rows with 0 defaults"),
        (None, None, "nothing tells which rows that one has learnt from"),
    ],
)
@pytest.mark.parametrize("gate", ["better", "not_worse"])
def test_champion_is_kept_when_too_few_rows_are_unknown_to_both(
    rows: int | None, defaults: int | None, told: str, gate: str
) -> None:
    candidate = {**beside_champion(0.1, 0.05, 0.15), "compared_rows": rows, "compared_defaults": defaults}
    decision = decide(candidate, CHAMPION, replace(RULES, gate=gate))
    assert decision.outcome == "kept"
    assert f"it cannot be compared with the champion: {told}" in decision.verdicts[-1].reason


@pytest.mark.parametrize(
    ("low", "outcome"), [(-0.009, "promoted"), (-0.01, "kept"), (0.002, "promoted"), (None, "kept")]
)
def test_successor_that_is_not_worse_is_enough_when_the_gate_says_so(low: float | None, outcome: str) -> None:
    decision = decide(beside_champion(0.001, low, 0.02), {"auc": 0.76}, NOT_WORSE)
    assert decision.outcome == outcome
    if outcome == "promoted":
        assert decision.verdicts[-1].reason.endswith("to +0.0200: it is not worse by more than 0.01")


@pytest.mark.parametrize(
    ("auc", "low", "told"),
    [
        (0.5, 0.5, "the AUC is at least 0.5000 with 95 % confidence: nothing shows that it ranks better than chance"),
        (0.31, 0.28, "the AUC is at least 0.2800 with 95 % confidence"),
        (0.4956, 0.46, "nothing shows that it ranks better than chance"),
        (0.52, 0.49, "nothing shows that it ranks better than chance"),
        (0.52, None, "the candidate has no auc_low, which must exceed 0.5"),
    ],
)
@pytest.mark.parametrize("rules", [GateRules(), GateRules(ceilings={"ece": 0.5}), GateRules(floors={"auc_low": 0.3})])
def test_model_that_knows_nothing_is_refused_whatever_the_description_says(
    auc: float, low: float | None, told: str, rules: GateRules
) -> None:
    decision = decide({"auc": auc, "auc_low": low, "ece": 0.1, **CLEAN}, None, rules)
    assert decision.outcome == "refused"
    assert unmet(decision)[-1] == "auc_low > 0.5"
    assert told in decision.reasons[-1]


def test_floor_above_chance_asks_for_chance_too() -> None:
    assert [verdict.rule for verdict in decide(GOOD, None, RULES).verdicts].count("auc_low > 0.5") == 0


def test_data_set_without_limits_is_told_of() -> None:
    decision = decide(GOOD, None, GateRules())
    assert decision.lacks_quality_rules
    assert "no quality rule is set" in " ".join(decision.reasons)
    assert not decide(GOOD, None, RULES).lacks_quality_rules


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_candidate_is_refused_when_its_auc_is_no_number(value: float | None) -> None:
    assert decide({**GOOD, "auc": value}, None, RULES).outcome == "refused"
    assert (
        decide({**GOOD, "auc": value, "auc_difference_low": 0.1, **SHARED}, {"auc": 0.7}, NOT_WORSE).outcome
        == "refused"
    )


@pytest.mark.parametrize(
    ("tags", "outcome"),
    [
        ({"arrears.leak_check": "no leak"}, "promoted"),
        ({"arrears.leak_check": "overridden"}, "promoted"),
        ({"arrears.leak_check": "found"}, "refused"),
        ({}, "refused"),
    ],
)
def test_candidate_is_refused_when_leaks_are_unexplained_or_were_never_looked_for(
    tags: dict[str, str], outcome: str
) -> None:
    decision = decide(with_leaks({"auc": 0.75, "auc_low": 0.7}, tags), None, RULES)
    assert decision.outcome == outcome
    assert unmet(decision) == ([] if outcome == "promoted" else ["no unexplained leak"])


def test_what_was_found_and_why_it_was_overridden_stands_in_the_verdict() -> None:
    leaks = [f"feature f{n} alone tells too much: AUC 0.9{n}" for n in range(4)]
    tags = {
        "arrears.leak_check": "overridden",
        "arrears.leak_override": "a study, not for use",
        "arrears.leaks": "\n".join(leaks),
    }
    metrics = with_leaks({"auc": 0.75, "auc_low": 0.7}, tags)

    decision = decide(metrics, None, RULES, overridden_leaks=overridden_leaks(tags))

    assert decision.outcome == "promoted"
    assert (
        "4 leaks were found and overridden, because: a study, not for use."
        f" Found: {'; '.join(leaks[:3])}; and 1 more in the tag arrears.leaks of the MLflow run" in decision.reasons
    )
    assert overridden_leaks({"arrears.leak_check": "no leak"}) == ""


def test_unmet_rules_are_overridden_when_there_is_a_reason() -> None:
    decision = decide({**GOOD, "auc_low": 0.5}, None, RULES)
    assert overridden(decision, "  ") == decision
    told = overridden(decision, " the floor is from another portfolio ")
    assert (told.outcome, told.override) == ("promoted", "the floor is from another portfolio")
    assert unmet(told) == ["auc_low > 0.6"]
    assert told.set_aside == ("auc_low > 0.6",)
    assert decision.set_aside == ()


def test_no_override_is_recorded_when_every_rule_is_met() -> None:
    assert overridden(decide(GOOD, None, RULES), "just in case").override == ""


@given(metrics, st.none() | metrics, rules)
@example(
    {**GOOD, **SHARED, "auc": None, "auc_difference_low": 0.5}, {}, RULES
)  # better by its interval, and without an AUC
def test_nothing_is_promoted_when_a_metric_is_missing(
    candidate: dict[str, float | None], champion: dict[str, float | None] | None, rules: GateRules
) -> None:
    decision = decide(candidate, champion, rules)
    assert decision.reasons
    if decision.outcome == "promoted":
        needed = [candidate.get(name) for name in ("auc", LEAKS, *rules.floors, *rules.ceilings)]
        if champion is not None:
            needed += [candidate.get("auc_difference_low"), candidate.get("compared_rows")]
        assert all(value is not None and math.isfinite(value) for value in needed)
        assert all(candidate[name] > floor for name, floor in rules.floors.items())
        assert all(candidate[name] <= ceiling for name, ceiling in rules.ceilings.items())
        if champion is not None and rules.gate == "better":
            assert candidate["auc_difference_low"] > 0
        assert candidate["auc_low"] > 0.5
    assert (decision.outcome == "promoted") == (not decision.unmet)


@given(metrics, st.none() | metrics, rules, st.data())
def test_no_rule_becomes_unmet_when_a_metric_gets_better(
    candidate: dict[str, float | None], champion: dict[str, float | None] | None, rules: GateRules, data: st.DataObject
) -> None:
    finite = [name for name, value in candidate.items() if value is not None and math.isfinite(value)]
    if not finite:
        return
    name, gain = data.draw(st.sampled_from(finite)), data.draw(st.sampled_from([1e-9, 0.1, 1.0]))
    change = -gain if name in BETTER_WHEN_LOWER else gain
    better = {**candidate, name: candidate[name] + change}
    before, after = decide(candidate, champion, rules), decide(better, champion, rules)
    assert all(now.met for was, now in zip(before.verdicts, after.verdicts, strict=True) if was.met)
    assert not (before.outcome == "promoted" and after.outcome != "promoted")


@given(metrics, st.none() | metrics, rules, st.data())
def test_no_rule_becomes_met_when_a_metric_goes_missing(
    candidate: dict[str, float | None], champion: dict[str, float | None] | None, rules: GateRules, data: st.DataObject
) -> None:
    if not candidate:
        return
    gone = data.draw(st.sampled_from(sorted(candidate)))
    less = {name: value for name, value in candidate.items() if name != gone}
    before, after = decide(candidate, champion, rules), decide(less, champion, rules)
    assert all(was.met for was, now in zip(before.verdicts, after.verdicts, strict=True) if now.met)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"floors": {"auc": "high"}}, "floors.auc must be a number, not 'high'"),
        ({"ceilings": {"ece": math.nan}}, "ceilings.ece must be a number, not nan"),
        ({"floors": None}, "floors must hold metrics and their limits such as {auc_low: 0.6}, not None"),
        ({"ceilings": ("ece",)}, "ceilings must hold metrics and their limits such as {auc_low: 0.6}, not ('ece',)"),
        ({"gate": "any"}, "gate 'any' is none of better, not_worse"),
        ({"tolerance": -0.1}, "tolerance -0.1 must not be negative"),
        ({"tolerance": "small"}, "tolerance must be a number, not 'small'"),
    ],
)
def test_rule_that_cannot_be_applied_is_named(wrong: dict[str, object], told: str) -> None:
    assert replace(RULES, **wrong).problems() == [told]
    assert RULES.problems() == []
