"""Nothing that a model learns from may be computed, chosen, dated or joined by a protected attribute."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.banks import BankDescription, Join, LabelDefinition, OutcomeColumn
from arrears.contracts.tables.feature_catalogue import FeatureLine
from arrears.contracts.tables.features import DerivedFeature, ProfileView, WindowView
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract

COLUMNS = ("loan_id", "customer_id", "at", "arrived", "days", "amount", "kind", "gender")
Change = Callable[[dict[str, Any]], None]


def a_line(name: str, use: str = "model") -> FeatureLine:
    return FeatureLine(name, "What it is.", "numeric", "EUR", "loans", "", "Risk", use)


def a_table(name: str, **given: Any) -> TableContract:
    columns = tuple(ColumnContract(c, "double", protected=c == "gender" and name == "people") for c in COLUMNS)
    return TableContract(name, columns, key=("loan_id",), event_time="at", **given)


def a_bank(change: Change = lambda parts: None) -> BankDescription:
    views = {
        "arrears": WindowView("arrears", "history", "loan_id", (3,), ("amount",), "days"),
        "state": ProfileView("state", "history", "loan_id", ("kind",)),
    }
    parts: dict[str, Any] = {
        "name": "bank", "tables": {name: a_table(name) for name in ("loans", "people", "history")},
        "decisions": "loans", "id": "loan_id", "customer": "customer_id", "decided_at": "at",
        "label": LabelDefinition("history", "days"), "joins": [Join("people", "customer_id")], "views": views,
        "derived": {"share": DerivedFeature("share", "ratio", ("amount", "days"))}, "uses": {"gender": "fairness"},
    }  # fmt: skip
    change(parts)
    uses = parts.pop("uses")
    for name in ("views", "derived"):
        parts[name] = tuple(parts[name].values())
    computed = [n for view in parts["views"] for n in view.feature_names] + [d.name for d in parts["derived"]]
    lines = [a_line(name, uses.get(name, "model")) for name in dict.fromkeys((*uses, *computed))]
    return BankDescription(**{**parts, "joins": tuple(parts["joins"]), "catalogue": tuple(lines)})


def put(where: str, name: str, **given: Any) -> Change:
    def change(parts: dict[str, Any]) -> None:
        parts[where][name] = dataclasses.replace(parts[where][name], **given)

    return change


def given(**given: Any) -> Change:
    return lambda parts: parts.update(given)


# Every field that names a column, and the bank in which it names a protected one.
ROLES: dict[tuple[type, str], Change] = {
    (BankDescription, "id"): given(id="gender"),
    (BankDescription, "customer"): given(customer="gender"),
    (BankDescription, "decided_at"): given(decided_at="gender"),
    (LabelDefinition, "days_past_due"): given(label=LabelDefinition("history", "gender")),
    (OutcomeColumn, "column"): given(label=OutcomeColumn("gender", ("f",), ("m",))),
    (OutcomeColumn, "known_on"): given(label=OutcomeColumn("kind", ("f",), ("m",), known_on="gender")),
    (Join, "on"): given(joins=[Join("people", "gender")]),
    (Join, "on_theirs"): given(joins=[Join("people", "kind", on_theirs="gender")]),
    (Join, "where"): given(joins=[Join("people", "customer_id", where={"gender": "f"})]),
    (TableContract, "event_time"): put("tables", "history", event_time="gender"),
    (TableContract, "arrived_on"): put("tables", "people", arrived_on="gender"),
    (WindowView, "entity"): put("views", "arrears", entity="gender"),
    (WindowView, "amounts"): put("views", "arrears", amounts=("amount", "gender")),
    (WindowView, "days_past_due"): put("views", "arrears", days_past_due="gender"),
    (ProfileView, "entity"): put("views", "state", entity="gender"),
    (ProfileView, "columns"): put("views", "state", columns=("GENDER",)),
    (DerivedFeature, "columns"): put("derived", "share", columns=("amount", "gender")),
    (FeatureLine, "name"): given(uses={"gender": "model"}),
}
# Fields that name no column, or whose column reaches no feature: a key proves that rows are unique.
OTHERS = {
    BankDescription: {
        "name", "tables", "decisions", "label", "joins", "views", "derived", "catalogue", "floors", "ceilings", "gate",
        "tolerance", "leak_limits",
    },
    LabelDefinition: {"table", "at_least", "window_months"},
    OutcomeColumn: {"bad", "good"},
    Join: {"table"},
    TableContract: {
        "name", "columns", "key", "source", "delay_days", "fewest_rows", "most_rows", "freshness_days", "every",
        "known_at",
    },
    WindowView: {"name", "table", "months", "features", "prefix"},
    ProfileView: {"name", "table", "max_age_days"},
    DerivedFeature: {"name", "kind", "part", "limits", "labels"},
    FeatureLine: {"meaning", "type", "unit", "source", "window", "owner", "use", "monotone"},
}  # fmt: skip


def test_a_bank_that_only_reports_on_a_protected_attribute_is_fine() -> None:
    assert a_bank().protected == ("gender",)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: f"{role[0].__name__}.{role[1]}")
def test_a_protected_attribute_is_refused_in_every_role(role: tuple[type, str]) -> None:
    with pytest.raises(BadConfiguration, match=r"(?i)protected.* gender|gender is protected"):
        a_bank(ROLES[role])


@pytest.mark.parametrize("kind", OTHERS)
def test_every_field_of_a_description_is_known_to_name_a_column_or_none(kind: type) -> None:
    fields = {field.name for field in dataclasses.fields(kind)}

    assert fields - {name for of, name in ROLES if of is kind} - OTHERS[kind] == set(), "put it into ROLES or OTHERS"


def test_what_is_derived_of_a_protected_attribute_is_protected_too() -> None:
    def change(parts: dict[str, Any]) -> None:
        parts["derived"] = {
            "band": DerivedFeature("band", "product", ("gender", "amount")),
            "share": DerivedFeature("share", "ratio", ("amount", "band")),
            "again": DerivedFeature("again", "ratio", ("amount", "share")),
        }
        parts["uses"] |= {"band": "fairness"}

    with pytest.raises(BadConfiguration) as refused:
        a_bank(change)

    assert refused.value.problems == (
        "derived feature share uses the protected attribute band",
        "derived feature again uses the protected attribute share",
    )


def test_a_feature_that_is_only_reported_on_is_protected_wherever_its_column_stands() -> None:
    with pytest.raises(BadConfiguration, match="view arrears uses the protected attribute amount"):
        a_bank(given(uses={"gender": "fairness", "amount": "fairness"}, derived={}))
