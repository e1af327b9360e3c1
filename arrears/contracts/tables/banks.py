"""A bank as it declares itself: its tables, how they join, and when a loan is in default.

One YAML file describes one bank. Its tables keep their own names and columns. `DatasetDescription` is what comes of
them once features are joined to decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.bank_names import bank_name_problems
from arrears.contracts.tables.feature_catalogue import FeatureLine
from arrears.contracts.tables.features import DerivedFeature, View
from arrears.contracts.tables.leak_limits import leak_limit_problems
from arrears.contracts.tables.protected_attributes import protected_problems
from arrears.contracts.tables.table_contracts import TableContract


@dataclass(frozen=True)
class LabelDefinition:
    """When a loan counts as defaulted, such as 90 days past due within 12 months of the decision.

    Attributes:
        table: the monthly history with the days past due.
        days_past_due: its column.
        at_least: days past due from which on a loan is in default.
        window_months: performance window after the decision. A younger decision has no label yet.
    """

    table: str
    days_past_due: str
    at_least: int = 90
    window_months: int = 12

    @property
    def outcome_column(self) -> str:
        """The column that tells the outcome."""
        return self.days_past_due

    @property
    def known_on(self) -> str:
        """No column tells when the outcome was known: the history's times do."""
        return ""


@dataclass(frozen=True)
class OutcomeColumn:
    """An outcome that the decisions bring along, such as the status of a loan that has ended.

    Attributes:
        column: of the decisions.
        bad, good: its values. A decision with any other has no known outcome and is left out.
        known_on: column of the decisions that tells when the outcome was known, a day at its end. Empty: unknown, and
            a split by time takes every outcome for known.
    """

    column: str
    bad: tuple[str, ...]
    good: tuple[str, ...]
    known_on: str = ""

    @property
    def outcome_column(self) -> str:
        """The column that tells the outcome."""
        return self.column

    @property
    def window_months(self) -> int:
        """There is no window to wait for."""
        return 0


@dataclass(frozen=True)
class Join:
    """A table joined many-to-one to the decisions, such as customers to loans.

    Attributes:
        table: the joined table. ``on`` must be unique in it (after ``where``).
        on: the column, of the same name on both sides. ``on_theirs`` where the joined table calls it otherwise.
        where: column → value: only such rows of the joined table.
    """

    table: str
    on: str
    on_theirs: str = ""
    where: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BankDescription:
    """Everything that turns a bank's tables into a training set.

    Attributes:
        name: the data set's name.
        tables: contracts by table name. ``decisions`` is the one with a row per decision, ``id`` its key.
        customer: column of the decisions, or joined to them, of the customer. A split keeps its rows on one side.
        decided_at: column of the decisions: the moment up to which anything may be known.
        label: when a decision turned out bad.
        joins: tables joined to the decisions as they are (a customer's fixed facts).
        views: features computed from history, at each decision or once a date for the feature store.
        derived: ratios, buckets, calendar parts and products of columns that are there by then.
        catalogue: a line for every feature and every protected attribute.
        floors, ceilings, gate, tolerance: the rules of the promotion gate (see `GateRules`).
        leak_limits: what the leak check allows one feature alone (see `LeakLimits`).
    """

    name: str
    tables: dict[str, TableContract]
    decisions: str
    id: str
    customer: str
    decided_at: str
    label: LabelDefinition | OutcomeColumn
    joins: tuple[Join, ...] = ()
    views: tuple[View, ...] = ()
    derived: tuple[DerivedFeature, ...] = ()
    catalogue: tuple[FeatureLine, ...] = ()
    floors: dict[str, float] = field(default_factory=dict)
    ceilings: dict[str, float] = field(default_factory=dict)
    gate: Literal["better", "not_worse"] = "better"
    tolerance: float = 0.0
    leak_limits: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = [self.decisions, self.label_table, *(j.table for j in self.joins), *(v.table for v in self.views)]
        problems = [f"there is no table {name}; tables are {', '.join(self.tables)}" for name in named]
        problems = sorted({p for p, name in zip(problems, named, strict=True) if name not in self.tables})
        problems += leak_limit_problems(self.leak_limits)
        protected = {column for table in self.tables.values() for column in table.protected}
        problems += [
            f"attribute {line.name} is protected: its use must be fairness, not {line.use}"
            for line in self.catalogue
            if line.name in protected and line.use != "fairness"
        ]
        listed = {line.name for line in self.catalogue}
        problems += [f"protected attribute {c} has no line in the catalogue" for c in sorted(protected - listed)]
        computed = [name for view in self.views for name in view.feature_names] + [d.name for d in self.derived]
        problems += [f"feature {name} has no line in the catalogue" for name in computed if name not in listed]
        problems += [f"feature {n} is computed twice" for n in sorted(set(computed)) if computed.count(n) > 1]
        problems += protected_problems(self)
        problems += bank_name_problems(self)
        if problems:
            raise BadConfiguration(*problems)

    @property
    def label_table(self) -> str:
        """The table that tells how a decision turned out."""
        return self.label.table if isinstance(self.label, LabelDefinition) else self.decisions

    @property
    def numeric(self) -> tuple[str, ...]:
        """Numeric columns that a model may see."""
        return tuple(line.name for line in self.catalogue if line.use == "model" and line.type == "numeric")

    @property
    def categorical(self) -> tuple[str, ...]:
        """Categories that a model may see."""
        return tuple(line.name for line in self.catalogue if line.use == "model" and line.type == "categorical")

    @property
    def text(self) -> tuple[str, ...]:
        """Free text that a model may read."""
        return tuple(line.name for line in self.catalogue if line.use == "model" and line.type == "text")

    @property
    def protected(self) -> tuple[str, ...]:
        """Attributes kept beside the features for fairness reports alone."""
        return tuple(line.name for line in self.catalogue if line.use == "fairness")
