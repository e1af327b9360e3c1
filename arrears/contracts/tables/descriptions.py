"""What a data set's columns mean: declared once, checked against the file, kept with every version of the data."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.gate_rules import GateRules
from arrears.contracts.job_configs.reading_choices import reading_problems
from arrears.contracts.tables.column_names import name_problems
from arrears.contracts.tables.feature_catalogue import FeatureLine, catalogue_problems
from arrears.contracts.tables.leak_limits import leak_limit_problems
from arrears.contracts.tables.nearest_names import did_you_mean
from arrears.contracts.tables.outcome_rules import (
    REFUSE,
    UNLABELLED,
    OutcomeRule,
    Spelling,
    outcome_rule,
    rule_problems,
)

_LATER: dict[str, Any] = {
    "text": [],
    "loss": None,
    "loss_limit": 1.0,
    "products": [],
    "ceilings": {},
    "gate": "better",
    "tolerance": 0.0,
    "leak_limits": {},
    "known_after": {},
    "unlabelled": REFUSE,
    "rest": "refuse",
    "reading": {},
}
REST = ("refuse", "as_it_is", "leave_out")


@dataclass(frozen=True)
class DatasetDescription:
    """The roles of a data set's columns.

    Attributes:
        name: the data set's name in every address and in the model registry (``pd_<name>``).
        target: source column that tells default from non-default.
        bad_when: which target values mean default: a value (``bad``, ``1``), a list of them, or a comparison (``> 0``).
        good_when: the other values allowed, told likewise. None for all that a comparison leaves, for 0 beside 1, or
            for the one other level that there is.
        unlabelled: rows with any other target value, or none: ``refuse`` them, or ``leave_out`` and keep them apart.
        id: source column that identifies a row. None lets generation derive one from the row's content.
        numeric, categorical, text: the features, by source column. Few engines learn from free text.
        dates: date columns, kept beside the features.
        kept: columns carried along and never used as a feature (such as the loss severity).
        excluded: columns dropped at the door (such as those known only after the outcome). A file may say ``exclude``.
        protected: attributes that no model may see (gender, nationality). Kept for fairness reports alone.
        group: column of the customer whose rows a grouped split keeps on one side. None: each row is its own.
        event_time: the column among ``dates`` that holds the moment of decision. None: rows have no time.
        known_after: date column → days from its start (from a time of day, itself) until what it dates was known, 1 for
            the end of a day. That must not be after the decision. Of other dates no day may be later.
        catalogue: what is known of each feature. Where there is any line, every feature needs one.
        floors: metric → the lower limit that a first champion must exceed (such as ``auc_low: 0.60``).
        ceilings, gate, tolerance: the other rules of the promotion gate (see `GateRules`).
        leak_limits: what the leak check allows one feature alone (see `LeakLimits`). What is not named has its default.
        loss: column among ``kept``: what was lost on a loan, as a share of its exposure. Learnt on defaults alone.
        loss_limit: the whole exposure in the unit of ``loss``: 1, or 100 where it is in per cent.
        products: numeric or kept columns, one a product: above 0 for a customer who holds it.
        reading: how its text files are written, by the fields of `ReadingChoices`. What is not named is found.
        rest: columns without a role: ``refuse`` them, take them ``as_it_is`` (numbers numeric, text categorical, dates
            dates), or ``leave_out``. A description that has been matched with its source has a role for each.
    """

    name: str
    target: str
    bad_when: Spelling = "1"
    good_when: Spelling | None = None
    id: str | None = None
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    group: str | None = None
    event_time: str | None = None
    catalogue: tuple[FeatureLine, ...] = ()
    floors: dict[str, float] = field(default_factory=dict)
    ceilings: dict[str, float] = field(default_factory=dict)
    gate: str = "better"
    tolerance: float = 0.0
    text: tuple[str, ...] = ()
    loss: str | None = None
    loss_limit: float = 1.0
    products: tuple[str, ...] = ()
    leak_limits: dict[str, float] = field(default_factory=dict)
    known_after: dict[str, int] = field(default_factory=dict)
    unlabelled: str = REFUSE
    rest: str = "refuse"
    reading: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [
            f"column {column} has two roles: {', '.join(roles)}"
            for column, roles in self.roles().items()
            if len(roles) > 1
        ]
        problems += name_problems(self.carried, stored=False)
        problems += reading_problems(self.reading)
        if self.rest not in REST:
            problems.append(f"rest {self.rest!r} is none of {', '.join(REST)}")
        if self.event_time is not None and self.event_time not in self.dates:
            problems.append(f"event_time {self.event_time} is not among the dates")
        problems += _knowledge_problems(self.known_after, self.dates)
        if self.loss is not None and self.loss not in self.kept:
            problems.append(f"loss {self.loss} is not among the kept columns")
        problems += [
            f"product {c} is neither kept nor numeric" for c in self.products if c not in self.kept + self.numeric
        ]
        if self.catalogue:
            problems += catalogue_problems(self.features, self.protected, self.catalogue)
        problems += rule_problems(self.bad_when, self.good_when)
        if self.unlabelled not in UNLABELLED:
            problems.append(f"unlabelled {self.unlabelled!r} is none of {', '.join(UNLABELLED)}")
        if not (isinstance(self.loss_limit, (int, float)) and 0 < self.loss_limit < math.inf):
            problems.append(f"loss_limit {self.loss_limit!r} is not a number above 0")
        problems += self.rules.problems() + leak_limit_problems(self.leak_limits)
        if problems:
            raise BadConfiguration(*problems)

    @property
    def rules(self) -> GateRules:
        """What the promotion gate asks of a model of this data set."""
        return GateRules(self.floors, self.ceilings, self.gate, self.tolerance)

    @property
    def features(self) -> tuple[str, ...]:
        """What a model may see, numeric columns first."""
        return self.numeric + self.categorical + self.text

    @property
    def carried(self) -> tuple[str, ...]:
        """Every column that the tables hold beside id and label, each once."""
        group = (self.group,) if self.group else ()
        return tuple(dict.fromkeys((*self.features, *self.dates, *self.kept, *self.protected, *group)))

    @property
    def bad(self) -> OutcomeRule:
        """Which target values mean default."""
        return outcome_rule(self.bad_when)

    @property
    def good(self) -> OutcomeRule | None:
        """Which mean the opposite. None: all others of a comparison, or not told yet."""
        return None if self.good_when is None else outcome_rule(self.good_when)

    @property
    def compares(self) -> bool:
        """Whether the target must be a number, because a rule compares it."""
        return self.bad.compares or bool(self.good and self.good.compares)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and dicts, for JSON and YAML."""
        content = {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}
        # A key of a later version that nothing uses stays out: dataset versions are named by this, and replayed.
        return {k: v for k, v in content.items() if k not in _LATER or v != _LATER[k]}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> DatasetDescription:
        """Reads a description. Unknown and missing keys are named together."""
        fields = {f.name: f for f in dataclasses.fields(cls)}
        if "exclude" in content and "excluded" not in content:
            content = {"excluded" if key == "exclude" else key: value for key, value in content.items()}
        problems = [
            f"dataset description has no key {key!r}; keys are {', '.join(fields)}{did_you_mean(key, fields)}"
            for key in content
            if key not in fields
        ]
        problems += [f"dataset description needs {key}" for key in ("name", "target") if not content.get(key)]
        if problems:
            raise BadConfiguration(*problems)
        values: dict[str, Any] = {
            key: tuple(map(str, value)) if isinstance(value, list) and key != "catalogue" else value
            for key, value in content.items()
        }
        values["catalogue"] = tuple(FeatureLine(**line) for line in content.get("catalogue", ()))
        values["tolerance"] = _number(values.get("tolerance", 0.0))
        values["loss_limit"] = _number(values.get("loss_limit", 1.0))
        return cls(**values)

    def roles(self) -> dict[str, list[str]]:
        """Source column → what it is declared as. More than one role is a mistake."""
        roles: dict[str, list[str]] = {self.target: ["target"]}
        if self.id is not None:
            roles.setdefault(self.id, []).append("id")
        if self.group is not None and self.group != self.id:
            roles.setdefault(self.group, []).append("group")
        for role in ("numeric", "categorical", "text", "dates", "kept", "excluded", "protected"):
            for column in getattr(self, role):
                # Kaggle's `loss` is both what defines default and the severity that later parts model.
                if not (role == "kept" and column == self.target):
                    roles.setdefault(column, []).append(role)
        return roles


def _knowledge_problems(known_after: object, dates: tuple[str, ...]) -> list[str]:
    """What is wrong with a file's ``known_after``, whatever it holds."""
    if not isinstance(known_after, dict) or any(type(days) is not int or days < 0 for days in known_after.values()):
        return [f"known_after {known_after!r} must give whole days by date column"]
    return [f"known_after names {name}, which is not among the dates" for name in known_after if name not in dates]


def _number(value: object) -> Any:
    """A number that YAML's reader has turned into text. Anything else as it is, for the checks to name."""
    try:
        return float(str(value))
    except ValueError:
        return value
