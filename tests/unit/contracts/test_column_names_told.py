from __future__ import annotations

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.training_choices import with_features
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.nearest_names import did_you_mean
from arrears.contracts.tables.protected_names import protected_attribute, protected_notes
from arrears.stores.description_files import parse_description


@pytest.mark.parametrize(
    ("column", "attribute"),
    [
        ("SEX", "sex"),
        ("code_gender", "sex"),
        ("applicantGender", "sex"),
        ("Geschlecht", "sex"),
        ("género", "sex"),
        ("Пол", "sex"),
        ("age_years", "age"),
        ("date_of_birth", "age"),
        ("Возраст", "age"),
        ("Staatsangehörigkeit", "nationality"),
        ("foreign_worker", "nationality"),
        ("гражданство", "nationality"),
        ("race", "race"),
        ("religión", "religion"),
        ("Konfession", "religion"),
        ("NAME_FAMILY_STATUS", "marital status"),
        ("état_civil", "marital status"),
        ("MARRIAGE", "marital status"),
        ("семейное положение", "marital status"),
        ("loan_age", None),
        ("percentage", None),
        ("essex_branch", None),
        ("mortgage", None),
        ("income", None),
    ],
)
def test_a_protected_attribute_is_known_by_its_name_in_five_languages(column: str, attribute: str | None) -> None:
    assert protected_attribute(column) == attribute


def test_protected_attributes_are_proposed_where_none_is_declared() -> None:
    silent = DatasetDescription("bank", "bad", numeric=("age", "income"), categorical=("sex",))
    declared = DatasetDescription("bank", "bad", numeric=("age", "income"), protected=("sex",))

    assert protected_notes(silent) == [
        "column age looks like a protected attribute (age): declare it protected, then no model sees it",
        "column sex looks like a protected attribute (sex): declare it protected, then no model sees it",
    ]
    assert protected_notes(declared) == []


@pytest.mark.parametrize(
    ("name", "names", "told"),
    [
        ("bad", ["BAD", "LOAN"], ": did you mean `BAD`?"),
        ("loan id", ["loan_id", "amount"], ": did you mean `loan_id`?"),
        ("incme", ["income", "outcome"], ": did you mean `income`?"),
        ("income", ["state"], ""),
        ("", ["state"], ""),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest_ones(name: str, names: list[str], told: str) -> None:
    assert did_you_mean(name, names) == told


def test_a_misspelt_feature_is_answered_with_the_nearest_ones() -> None:
    with pytest.raises(BadConfiguration, match="declares no feature Incme: did you mean `income`"):
        with_features(DatasetDescription("bank", "bad", numeric=("income", "age")), ["Incme"])


def test_a_description_may_say_exclude_and_what_becomes_of_the_rest() -> None:
    described = parse_description("{name: x, target: bad, rest: as_it_is, exclude: [a, b]}", where="here")

    assert (described.rest, described.excluded) == ("as_it_is", ("a", "b"))
    with pytest.raises(BadConfiguration, match="rest 'all' is none of refuse, as_it_is, leave_out"):
        parse_description("{name: x, target: bad, rest: all}", where="here")
    with pytest.raises(BadConfiguration, match=r"no key 'exclud'; keys are .*: did you mean `excluded`"):
        parse_description("{name: x, target: bad, exclud: [a]}", where="here")


def test_a_description_without_the_new_keys_is_written_as_before() -> None:
    assert "rest" not in DatasetDescription("bank", "bad").to_dict()
