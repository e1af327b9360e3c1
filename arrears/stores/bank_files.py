"""Reads what a bank's tables are: from the descriptions that ship with Arrears, or from a bank's own YAML.

``tables`` maps a name to its contract, whose ``columns`` map a name to what the column may hold. ``views``, ``derived``
and ``catalogue`` map names too. ``joins`` is a list. Keys are the fields of the classes in
`arrears.contracts.tables.banks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.banks import BankDescription, Join, LabelDefinition, OutcomeColumn
from arrears.contracts.tables.features import DerivedFeature, ProfileView, View, WindowView
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract
from arrears.stores.description_files import taken_operation
from arrears.stores.objects import Objects
from arrears.stores.shipped import shipped_names, shipped_text, text_at
from arrears.stores.yaml_records import Reading, parsed, prefixed

_SHIPPED = "descriptions/banks"
_TIMES = ("date", "timestamp")
_VIEWS: dict[str, type[WindowView] | type[ProfileView]] = {"windows": WindowView, "profile": ProfileView}


def shipped_banks() -> tuple[str, ...]:
    """The banks whose description ships with Arrears, by name."""
    return shipped_names(_SHIPPED)


def shipped_bank_text(name: str) -> str:
    """The description of one such bank as YAML, which a run keeps so that it can be replayed.

    Raises:
        BadConfiguration: there is none of this name.
    """
    return shipped_text(_SHIPPED, name, what="the bank ")


def shipped_bank(name: str) -> BankDescription:
    """The description of one bank that ships with Arrears.

    Raises:
        BadConfiguration: there is none of this name.
    """
    return parse_bank(shipped_bank_text(name), where=f"the shipped bank {name}")


def read_bank(address: str, objects: Objects) -> BankDescription:
    """A bank's own description.

    Args:
        address: a local path, or an ``s3://`` or ``file://`` address, of a YAML file.

    Raises:
        UpstreamNotReady: there is no such file.
        BadConfiguration: it is not a description. Names everything wrong with its place in the file.
    """
    return parse_bank(text_at(address, objects), where=address)


def parse_bank(text: str, *, where: str) -> BankDescription:
    """Reads one YAML text. ``where`` names it in errors."""
    content = parsed(text, where=where, such_as="decisions: loans")
    reading = Reading()
    taken_operation(content, reading)
    bank = _bank(reading, content)
    problems = [*reading.problems, *(_loose_ends(bank) if bank else ())]
    if bank is None or problems:
        raise prefixed(BadConfiguration(*problems), where)
    return bank


def _bank(reading: Reading, content: dict[str, Any]) -> BankDescription | None:
    tables = {name: _table(reading, name, value) for name, value in reading.pairs(content.get("tables"), "tables")}
    if not tables:
        reading.problems.append("the description needs tables")
    outcome = content.get("label", {})
    is_column = isinstance(outcome, Mapping) and "column" in outcome
    label = reading.record(OutcomeColumn if is_column else LabelDefinition, outcome, "label")
    parts: dict[str, Any] = {
        "tables": tables,
        "label": label,
        "joins": _joins(reading, content.get("joins")),
        "views": _views(reading, content.get("views")),
        "derived": tuple(reading.named(DerivedFeature, content.get("derived"), "derived")),
        "catalogue": reading.catalogue(content.get("catalogue")),
    }
    plain = {key: value for key, value in content.items() if key not in parts}
    # A part with a problem would cause others that are none: the whole is judged when its parts are whole.
    complete = parts if not reading.problems else dict.fromkeys(parts)
    return reading.record(BankDescription, plain, "", **complete)


def _table(reading: Reading, name: str, content: Any) -> TableContract | None:
    place = f"tables.{name}"
    if not isinstance(content, Mapping):
        return reading.record(TableContract, content, place)
    columns = reading.named(ColumnContract, content.get("columns"), f"{place}.columns")
    if not columns:
        reading.problems.append(f"{place} needs columns")
    rest = {key: value for key, value in content.items() if key != "columns"}
    whole = tuple(column for column in columns if column is not None)
    return reading.record(TableContract, rest, place, name=name, columns=whole if len(whole) == len(columns) else None)


def _joins(reading: Reading, content: Any) -> tuple[Join | None, ...]:
    if content is None:
        return ()
    if not isinstance(content, list):
        reading.problems.append("joins must be a list such as [{table: customers, on: customer_id}]")
        return ()
    return tuple(reading.record(Join, join, f"joins[{n}]") for n, join in enumerate(content, 1))


def _views(reading: Reading, content: Any) -> tuple[View | None, ...]:
    """The views in their order. Every window view but the first has names that begin with its own."""
    views: list[View | None] = []
    prefix = ""
    for name, value in reading.pairs(content, "views"):
        place = f"views.{name}"
        kind = value.get("kind") if isinstance(value, Mapping) else None
        if kind not in _VIEWS:
            reading.problems.append(f"{place} needs kind: {' or '.join(_VIEWS)}")
            continue
        rest = {key: part for key, part in value.items() if key != "kind"}
        made = {"prefix": prefix and f"{name}_"} if kind == "windows" else {}
        views.append(reading.record(_VIEWS[kind], rest, place, name=name, **made))
        prefix = prefix or (f"{name}_" if kind == "windows" else "")
    return tuple(views)


def _loose_ends(bank: BankDescription) -> Iterator[str]:
    """Every name of a column that no table has, and every feature that nothing makes."""
    decisions, history = bank.tables[bank.decisions], bank.tables[bank.label_table]
    for role, column in (("id", bank.id), ("decided_at", bank.decided_at)):
        yield from _absent(f"{role} {column}", decisions, [column])
    yield from _absent("label", history, [bank.label.outcome_column, *filter(None, [bank.label.known_on])])
    yield from _no_time("label: known_on", history, bank.label.known_on)
    there = {column.name for column in decisions.columns}
    for join in bank.joins:
        joined = bank.tables[join.table]
        if join.on not in there:
            yield f"join of {join.table}: there is no column {join.on} before it"
        yield from _absent(f"join of {join.table}", joined, [join.on_theirs or join.on, *join.where])
        there |= {column.name for column in joined.columns}
    if bank.customer not in there:
        yield f"customer {bank.customer}: neither {bank.decisions} nor a joined table has such a column"
    for view in bank.views:
        yield from _absent(f"view {view.name}", bank.tables[view.table], [view.entity, *_taken(view)])
        if view.entity not in there:
            yield f"view {view.name}: the decisions have no column {view.entity}"
        there |= set(view.feature_names)
    for derived in bank.derived:
        yield from (f"derived feature {derived.name}: no column {c}" for c in derived.columns if c not in there)
        there.add(derived.name)
    names = [line.name for line in bank.catalogue]
    yield from (f"feature {name} stands in the catalogue twice" for name in sorted(set(names)) if names.count(name) > 1)
    yield from (f"catalogue: nothing makes the feature {name}" for name in dict.fromkeys(names) if name not in there)


def _absent(what: str, table: TableContract, columns: list[str]) -> Iterator[str]:
    known = {column.name for column in table.columns}
    yield from (f"{what}: table {table.name} has no column {column}" for column in columns if column not in known)


def _no_time(what: str, table: TableContract, column: str) -> Iterator[str]:
    kinds = (each.type for each in table.columns if each.name == column)
    yield from (f"{what} {column} is {kind}, neither date nor timestamp" for kind in kinds if kind not in _TIMES)


def _taken(view: View) -> list[str]:
    if isinstance(view, ProfileView):
        return list(view.columns)
    return [*view.amounts, *filter(None, [view.days_past_due])]
