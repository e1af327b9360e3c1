"""What bad_when and good_when may say, in a description and in one field of the form."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.outcome_rules import OutcomeRule, Spelling, outcome_rule, spelling_of, typed_rule
from arrears.stores.description_files import parse_description

LEVEL = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1).filter(lambda t: t == t.strip() != "")


@pytest.mark.parametrize(
    ("spelling", "rule"),
    [
        ("1", OutcomeRule(("1",))),
        ("= bad", OutcomeRule(("bad",))),
        ("Late, 31-120 days", OutcomeRule(("Late, 31-120 days",))),
        ("> 0", OutcomeRule(sign=">", limit=0.0)),
        (">=2.5", OutcomeRule(sign=">=", limit=2.5)),
        (">90 dpd", OutcomeRule((">90 dpd",))),
        ("= >90 dpd", OutcomeRule((">90 dpd",))),
        ((">90", "Default", ">90"), OutcomeRule((">90", "Default"))),
    ],
)
def test_a_description_names_levels_or_compares(spelling: Spelling, rule: OutcomeRule) -> None:
    assert DatasetDescription(name="x", target="y", bad_when=spelling).bad == outcome_rule(spelling) == rule


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("1", "1"),
        (" > 0 ", " > 0 "),
        ("Charged Off", "Charged Off"),
        ("Charged Off, Default", ("Charged Off", "Default")),
        ('"Late, 31-120 days",Default', ("Late, 31-120 days", "Default")),
        ('">90 dpd"', (">90 dpd",)),
        ('"> 90"', ("> 90",)),
        ('"5"" pipe"', ('5" pipe',)),
        ("= >90 dpd", "= >90 dpd"),
    ],
)
def test_a_field_holds_levels_with_commas_between_them(text: str, spelling: Spelling) -> None:
    assert typed_rule(text, name="bad_when") == spelling


@given(st.lists(LEVEL, min_size=1, max_size=5, unique=True))
def test_levels_in_quotes_come_back_whatever_they_hold(levels: list[str]) -> None:
    text = ", ".join('"' + level.replace('"', '""') + '"' for level in levels)

    assert outcome_rule(typed_rule(text, name="bad_when")).levels == tuple(levels)


@given(LEVEL)
@example("> 0")
@example("= bad")
@example('"bad"')
def test_one_level_is_written_so_that_it_means_itself(level: str) -> None:
    assert outcome_rule(spelling_of(level)) == OutcomeRule((level,))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (">90 dpd", 'stands in double quotes: ">90 dpd"'),
        ("> 0, Default", 'stands in double quotes: "> 0"'),
        ('"Default', "double quotes are opened and not closed"),
        (" , ", "bad_when names no value"),
    ],
)
def test_a_field_that_could_mean_two_things_is_refused(text: str, told: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        typed_rule(text, name="bad_when")

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("bad_when", "good_when", "meet"),
    [
        (">= 90", "< 30", False),
        (">= 90", "< 90", False),
        (">= 90", "<= 90", True),
        (">= 90", "> 100", True),
        ("< 5", "<= 3", True),
        (">= 90", ("0", "30"), False),
        (("30", "120"), "< 90", True),
        (("a", "b"), ("b",), True),
        (("a", "b"), "c", False),
    ],
)
def test_a_value_that_is_bad_and_good_is_refused(bad_when: Spelling, good_when: Spelling, meet: bool) -> None:
    assert outcome_rule(bad_when).meets(outcome_rule(good_when)) is meet
    if meet:
        with pytest.raises(BadConfiguration, match="would be bad"):
            DatasetDescription(name="x", target="y", bad_when=bad_when, good_when=good_when)


def test_lists_in_yaml_are_levels_and_survive_the_manifest() -> None:
    text = (
        "{name: x, target: y, numeric: [a], bad_when: [Charged Off, '>90', 3], good_when: [0], unlabelled: leave_out}"
    )
    described = parse_description(text, where="bank.yaml")

    assert (described.bad.levels, described.good) == (("Charged Off", ">90", "3"), OutcomeRule(("0",)))
    assert type(described).from_dict(described.to_dict()) == described


def test_a_description_without_lists_is_stored_as_before_there_were_any() -> None:
    stored = parse_description("{name: x, target: y, bad_when: 2, good_when: 1}", where="bank.yaml").to_dict()

    assert (stored["bad_when"], stored["good_when"], "unlabelled" in stored) == ("2", "1", False)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("bad_when: []", "bad_when () is neither"),
        ("bad_when: {a: b}", "bad_when {'a': 'b'} is neither"),
        ("bad_when: [true]", "bad_when must be in quotes"),
        ("bad_when: ''", "bad_when '' is neither"),
        ("unlabelled: drop", "unlabelled 'drop' is none of refuse, leave_out"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(keys: str, told: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        parse_description(f"{{name: x, target: y, {keys}}}", where="bank.yaml")

    assert told in str(refused.value)
