from __future__ import annotations

from pathlib import Path

import pytest

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.stores.description_files import parse_description, read_description, shipped_description
from arrears.stores.objects import Objects
from local.tools.package_jobs import build_package
from tests.unit.zipped import said_in_the_zip

REPOSITORY = Path(__file__).resolve().parents[3]


def test_every_column_of_the_lending_club_loans_has_a_role() -> None:
    described = shipped_description("lending_club")

    assert len(described.numeric) == 17
    assert len(described.categorical) == 5
    assert (described.target, described.bad_when, described.good_when) == ("Class", "bad", "good")
    assert described.floors == {"auc_low": 0.60}


def test_a_shipped_description_is_read_when_the_package_is_a_zip(tmp_path: Path) -> None:
    said = said_in_the_zip(
        "import arrears.stores.description_files as d; print(d.__file__, d.shipped_description('lending_club').target)",
        tmp_path,
    )

    assert said.split() == [f"{build_package().path}/arrears/stores/description_files.pyc", "Class"]


def test_an_unknown_name_is_answered_with_the_shipped_ones() -> None:
    with pytest.raises(BadConfiguration, match=r"only of .*lending_club"):
        shipped_description("nowhere")


def test_numbers_in_yaml_are_read_as_the_text_of_target_values() -> None:
    described = parse_description("{name: german, target: class, bad_when: 2, good_when: 1}", where="here")

    assert (described.bad_when, described.good_when) == ("2", "1")


def test_every_wrong_key_is_named_with_the_file_when_a_description_is_wrong() -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_description("{name: x, numbers: [a]}", where="bank.yaml")

    told = str(caught.value)
    assert "bank.yaml: dataset description has no key 'numbers'" in told
    assert "bank.yaml: dataset description needs target" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is not YAML"),
        ("- a", "must be YAML keys and values"),
        ("{name: x, target: y, bad_when: true}", "bad_when must be in quotes"),
    ],
)
def test_a_text_that_is_no_description_is_refused(text: str, told: str) -> None:
    with pytest.raises(BadConfiguration, match=told):
        parse_description(text, where="bank.yaml")


def test_a_description_is_read_from_a_path_and_from_an_address(tmp_path: Path) -> None:
    file = tmp_path / "bank.yaml"
    file.write_text("{name: bank, target: bad}")

    assert read_description(str(file), Objects()) == read_description(file.as_uri(), Objects())


def test_a_description_that_is_not_there_yet_may_be_tried_again(tmp_path: Path) -> None:
    with pytest.raises(UpstreamNotReady, match="does not exist"):
        read_description(str(tmp_path / "none.yaml"), Objects())


def test_rules_of_the_gate_are_read_and_an_older_description_keeps_its_digest() -> None:
    text = "{name: x, target: y, numeric: [a], floors: {auc: 0.85}, ceilings: {ece: 0.05}, gate: not_worse"

    described = parse_description(f"{text}, tolerance: 0.01}}", where="here")
    assert (described.rules.ceilings, described.rules.gate, described.rules.tolerance) == (
        {"ece": 0.05},
        "not_worse",
        0.01,
    )
    assert type(described).from_dict(described.to_dict()) == described

    older = parse_description("{name: x, target: y, numeric: [a], floors: {auc: 0.85}}", where="here")
    assert not {"ceilings", "gate", "tolerance", "leak_limits"} & set(older.to_dict())


def test_leak_limits_are_the_data_sets_own_and_kept() -> None:
    described = parse_description("{name: x, target: y, numeric: [a], leak_limits: {auc: 0.85}}", where="here")

    assert described.leak_limits == {"auc": 0.85}
    assert type(described).from_dict(described.to_dict()) == described
    with pytest.raises(BadConfiguration, match="leak_limits has no key gini"):
        parse_description("{name: x, target: y, leak_limits: {gini: 0.7}}", where="here")


def test_rules_that_cannot_be_applied_are_named_together() -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_description(
            "{name: x, target: y, floors: {auc: high}, gate: always, tolerance: small}", where="bank.yaml"
        )
    assert caught.value.problems == (
        "bank.yaml: floors.auc must be a number, not 'high'",
        "bank.yaml: tolerance must be a number, not 'small'",
        "bank.yaml: gate 'always' is none of better, not_worse",
    )


@pytest.mark.parametrize("limit", ["0", "-1", "many", ".inf", ".nan"])
def test_limit_of_losses_that_is_none_is_named_beside_rules_that_are_empty(limit: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_description(f"name: x\ntarget: y\nloss_limit: {limit}\nfloors:\nceilings: [ece]", where="bank.yaml")
    told = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 3
    assert "bank.yaml: loss_limit" in told
    assert "is not a number above 0" in told
    assert "bank.yaml: floors must hold metrics and their limits such as {auc_low: 0.6}, not None" in told
    assert "bank.yaml: ceilings must hold metrics" in told


def test_how_a_data_set_is_operated_is_no_part_of_what_its_columns_mean() -> None:
    plain = "{name: x, target: bad, numeric: [a]"
    operated = parse_description(
        f"{plain}, operation: {{new_data_cron: 6 2 * * *, risk_limits: [0.1, 0.3]}}}}", where="y"
    )
    assert operated.to_dict() == parse_description(f"{plain}}}", where="y").to_dict()
    with pytest.raises(BadConfiguration, match=r"y: operation has no key crom; keys are new_data_cron, "):
        parse_description(f"{plain}, operation: {{crom: 6 2 * * *}}}}", where="y")
