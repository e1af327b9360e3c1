"""A bank's YAML is read whole, and everything wrong in it is told at once with its place."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.tables.banks import Join
from arrears.contracts.tables.features import ProfileView, WindowView
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract
from arrears.contracts.tables.view_contracts import feature_contract
from arrears.stores.bank_files import parse_bank, read_bank, shipped_bank, shipped_banks
from arrears.stores.objects import Objects
from tests.unit.contracts.bank_text import LINE, SMALL, problems_of, small
from tests.unit.zipped import said_in_the_zip

REPOSITORY = Path(__file__).resolve().parents[3]


def test_every_part_of_a_bank_is_read() -> None:
    bank = small()

    loans = bank.tables["loans"]
    assert loans.key == ("loan_id",)
    assert loans.column("decided_on").minimum == "2020-01-01"
    assert loans.column("amount").minimum == 0.0
    assert bank.tables["history"].every == "month"
    assert bank.tables["people"].protected == ("gender",)
    assert bank.joins == (Join("people", "customer_id", "number", {"kind": "no"}),)
    assert bank.views == (
        WindowView("arrears", "history", "loan_id", (3, 6), ("days",)),
        ProfileView("state", "history", "loan_id", ("days",), 40),
    )
    assert (bank.label.at_least, bank.label.window_months) == (90, 12)
    assert bank.derived[0].columns == ("amount", "days")
    assert bank.floors == {"auc_low": 1.0}
    assert bank.leak_limits == {"auc": 0.85}
    assert bank.protected == ("gender",)


def test_a_second_window_view_has_names_of_its_own_and_may_ask_for_single_features() -> None:
    more = "cards: {kind: windows, table: history, entity: loan_id, months: [24], amounts: [days], features: [{}]}"
    view = "\n  " + more.replace("{}", "days_mean_24m") + "\nderived:"
    line = f"\ncatalogue:\n  cards_days_mean_24m: {LINE}"
    before = parse_bank(SMALL, where="bank.yaml")

    bank = parse_bank(SMALL.replace("\nderived:", view).replace("\ncatalogue:", line), where="bank.yaml")

    assert bank.views[:2] == before.views
    assert bank.views[2].feature_names == ("cards_days_mean_24m",)
    contract = feature_contract(bank.views[2], bank.tables["history"], event_time="event_time")
    assert [(column.name, column.type) for column in contract.columns][2:] == [("cards_days_mean_24m", "double")]
    whole = dataclasses.replace(bank.views[2], features=("cards_event_count_24m", "days_sum_24m"))
    assert whole.feature_names == ("cards_event_count_24m", "cards_days_sum_24m")
    assert whole.counts == ("cards_event_count_24m",)


@pytest.mark.parametrize(
    ("known_on", "told"),
    [
        ("gone_on", "label: table loans has no column gone_on"),
        ("amount", "label: known_on amount is double, neither date nor timestamp"),
    ],
)
def test_the_column_that_dates_an_outcome_is_one_of_the_decisions_and_holds_times(known_on: str, told: str) -> None:
    of_history = "label: {table: history, days_past_due: days}"
    outcome = "label: {column: customer_id, bad: [b], good: [g], known_on: %s}"

    assert small(of_history, outcome % "decided_on").label.known_on == "decided_on"
    assert problems_of(of_history, outcome % known_on) == (told,)


AMOUNT = "      amount: {type: double, minimum: 0}"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (r"\bamount\b", "_amount", "tables.loans: table loans: column _amount has a reserved name: "),
        (r"\bamount\b", "BROKEN_RULES", "tables.loans: table loans: column BROKEN_RULES has a reserved name"),
        (
            AMOUNT,
            f"{AMOUNT}\n      Loan_ID: {{type: int}}",
            "tables.loans: table loans: columns loan_id, Loan_ID",
        ),
        (AMOUNT, f"{AMOUNT}\n      IS_DEFAULT: {{type: int}}", "decisions with their features: column IS_DEFAULT has"),
        (r"\bcustomer_id\b", "BORROWER_ID", "column BORROWER_ID has a reserved name: "),
        (r"\bamount_by_days\b", "Shard", "column Shard has a reserved name: in upper and lower case, borrower_id, "),
        (r"\bdays(?=\b|_(sum|mean|max|trend))", "event_time", "view state: column event_time has a reserved name"),
    ],
)
def test_a_name_that_a_column_of_ours_has_is_refused_at_the_door(old: str, new: str, told: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_bank(re.sub(old, new, SMALL), where="bank.yaml")

    assert any(problem.startswith(f"bank.yaml: {told}") for problem in caught.value.problems), caught.value.problems


def test_an_amount_that_is_called_like_a_count_is_none() -> None:
    view = WindowView("v", "history", "loan_id", (3,), ("event_count_total", "worst_days_past_due_fee"))

    assert view.counts == ("event_count_3m",)
    table = TableContract(
        "history", tuple(ColumnContract(c, "double") for c in ("loan_id", *view.amounts)), ("loan_id",)
    )
    kinds = {column.type for column in feature_contract(view, table, event_time="at").columns[4:]}
    assert kinds == {"double"}


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ("months: []", "views.v: view v: months must be different whole numbers from 1"),
        ("months: [3, 0]", "views.v: view v: months must be different whole numbers from 1"),
        ("months: [3, 3]", "views.v: view v: months must be different whole numbers from 1"),
        (
            "months: [3], features: [paid_sum_3m]",
            "views.v: view v: there is no feature paid_sum_3m; features are v_days_since_last_event, v_event_count_3m",
        ),
    ],
)
def test_a_window_view_that_cannot_be_is_refused(view: str, told: str) -> None:
    text = SMALL.replace("\nderived:", f"\n  v: {{kind: windows, table: history, entity: loan_id, {view}}}\nderived:")

    with pytest.raises(BadConfiguration) as caught:
        parse_bank(text, where="bank.yaml")

    assert caught.value.problems == (f"bank.yaml: {told}",)


def test_words_that_yaml_takes_for_truths_stay_words() -> None:
    bank = small()

    assert bank.tables["people"].column("gender").allowed == ("f", "m", "no")
    assert bank.joins[0].on == "customer_id"


def test_everything_wrong_in_a_file_is_told_at_once_with_its_place() -> None:
    text = """
name: x
decision: loans
label: {table: history, at_least: ninety}
joins: [{tables: people, on: b}]
views: {v: {kind: window}, w: {kind: windows, table: t, entity: e, months: 3}}
tables:
  loans: {key: loan_id, colums: {}}
  other:
    key: [a]
    every: week
    columns: {a: {type: [str]}, b: {type: int, minimum: [1], nullable: yes}, c: 5}
  third: {key: [], columns: {a: {type: number}}}
catalogue: {"a_{3,6}m": {meaning: x, type: numerical, unit: u, source: s, owner: o}, b: 7}
"""
    with pytest.raises(BadConfiguration) as caught:
        parse_bank(text, where="bank.yaml")

    assert [problem.removeprefix("bank.yaml: ") for problem in caught.value.problems] == [
        "tables.loans needs columns",
        "tables.loans has no key colums; keys are columns, key, source, event_time, known_at, arrived_on,"
        " delay_days, fewest_rows, most_rows, freshness_days, every",
        "tables.loans.key must be a list such as [a, b]",
        "tables.other.columns.a.type must be a text, not list ['str']",
        "tables.other.columns.b.minimum must be a number or a text, not list [1]",
        "tables.other.columns.b.nullable must be true or false, not str 'yes'",
        "tables.other.columns.c must hold keys and values",
        "tables.other.every: 'week' is none of month, day",
        "tables.third: table third: column a is number;"
        " types are string, int, bigint, double, decimal, boolean, date, timestamp and decimal(digits,decimals)",
        "tables.third: table third needs a key",
        "label needs days_past_due",
        "label.at_least must be a whole number, not str 'ninety'",
        "joins[1] has no key tables; keys are table, on, on_theirs, where",
        "joins[1] needs table",
        "views.v needs kind: windows or profile",
        "views.w.months must be a list such as [a, b]",
        "catalogue.a_3m: feature a_3m: type 'numerical' is none of numeric, categorical, text",
        "catalogue.a_6m: feature a_6m: type 'numerical' is none of numeric, categorical, text",
        "catalogue.b must hold keys and values",
        "the description has no key decision; keys are name, tables, decisions, id, customer, decided_at, label, joins,"
        " views, derived, catalogue, floors, ceilings, gate, tolerance, leak_limits",
        "the description needs decisions",
        "the description needs id",
        "the description needs customer",
        "the description needs decided_at",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {b: c", "is not YAML, line 1: expected"),
        ("a: 1\nb:\n  c: 1\n  c: 2", "key c stands twice in the mapping of line 3"),
        ("[1]", "must be YAML keys and values"),
        ("", "must be YAML keys and values"),
        ("tables: 5", "tables must hold names and what they stand for"),
        ("joins: {table: a}", "joins must be a list"),
    ],
)
def test_a_text_that_is_no_bank_is_refused(text: str, told: str) -> None:
    with pytest.raises(BadConfiguration, match=f"bank.yaml.*{told}"):
        parse_bank(text, where="bank.yaml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("id: loan_id", "id: number", "id number: table loans has no column number"),
        ("days_past_due: days}", "days_past_due: dpd}", "label: table history has no column dpd"),
        ("on: customer_id", "on: person", "join of people: there is no column person before it"),
        ("on_theirs: number", "on_theirs: no", "join of people: table people has no column no"),
        ("loan_id, columns", "account, columns", "view state: table history has no column account"),
        ("columns: [amount, days]", "columns: [amount, age]", "derived feature amount_by_days: no column age"),
        ("  amount: {mean", "  amont: {mean", "catalogue: nothing makes the feature amont"),
        ("catalogue:", f"catalogue:\n  days_sum_{{6}}m: {LINE}", "feature days_sum_6m stands in the catalogue twice"),
        ("table: history, entity", "table: events, entity", "there is no table events; tables are loans, people"),
    ],
)
def test_a_name_that_nothing_has_is_told(old: str, new: str, told: str) -> None:
    assert told in "; ".join(problems_of(old, new))


def test_a_bank_is_read_from_a_path_and_from_an_address(tmp_path: Path) -> None:
    file = tmp_path / "bank.yaml"
    file.write_text(SMALL)

    assert read_bank(str(file), Objects()) == read_bank(file.as_uri(), Objects()) == small()
    with pytest.raises(UpstreamNotReady, match="does not exist"):
        read_bank(str(tmp_path / "none.yaml"), Objects())


def test_every_shipped_bank_has_a_line_for_each_feature() -> None:
    banks = {name: shipped_bank(name) for name in shipped_banks()}

    assert set(banks) == {"synthetic_bank"}
    assert banks["synthetic_bank"].protected == ("gender",)
    assert "gender" not in banks["synthetic_bank"].categorical


def test_an_unknown_bank_is_answered_with_the_shipped_ones() -> None:
    with pytest.raises(BadConfiguration, match="only of synthetic_bank"):
        shipped_bank("nowhere")


def test_a_shipped_bank_is_read_when_the_package_is_a_zip(tmp_path: Path) -> None:
    code = "import arrears.stores.bank_files as b; print(b.shipped_bank(b.shipped_banks()[0]).name)"

    told = said_in_the_zip(code, tmp_path)

    assert told.split() == ["synthetic_bank"]
