"""What a data set's columns mean: declared once, checked against the file, kept with every version of the data."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.features import FeatureLine, catalogue_problems

ID = "borrower_id"
LABEL = "is_default"
RESERVED = (ID, LABEL, "sample_id", "as_of", "dataset_version", "row_order", "is_validation", "shard")

_BAD_WHEN = re.compile(r"\s*(?:(?P<op>>=|>|<=|<)\s*(?P<limit>-?\d+(?:\.\d+)?)|=?\s*(?P<value>[^<>=].*?))\s*")


@dataclass(frozen=True)
class DatasetDescription:
    """The roles of a data set's columns.

    Attributes:
        name: the data set's name in every address and in the model registry (``pd_<name>``).
        target: source column that tells default from non-default.
        bad_when: which target values mean default: a value (``bad``, ``1``) or a comparison (``> 0``).
        good_when: the one other value allowed; None for a comparison, or where every other value is an error but 0/1.
        id: source column that identifies a row; None lets generation derive one from the row's content.
        numeric, categorical: the features, by source column.
        dates: date columns, kept beside the features.
        kept: columns carried along and never used as a feature (such as the loss severity).
        excluded: columns dropped at the door (such as those known only after the outcome).
        protected: attributes that no model may see (gender, nationality); kept for fairness reports alone.
        group: column of the customer whose rows a grouped split keeps on one side; None: each row is its own.
        event_time: the column among ``dates`` that holds the moment of decision; None: rows have no time.
        catalogue: what is known of each feature; where there is any line, every feature needs one.
        floors: metric → the lower limit that a first champion must exceed (such as ``auc_low: 0.60``).
    """

    name: str
    target: str
    bad_when: str = "1"
    good_when: str | None = None
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

    def __post_init__(self) -> None:
        problems = [
            f"column {column} has two roles: {', '.join(roles)}"
            for column, roles in self._roles().items()
            if len(roles) > 1
        ]
        problems += [f"column {c} has a reserved name" for c in self.carried if c in RESERVED]
        if self.event_time is not None and self.event_time not in self.dates:
            problems.append(f"event_time {self.event_time} is not among the dates")
        if self.catalogue:
            problems += catalogue_problems(self.features, self.protected, self.catalogue)
        if not _BAD_WHEN.fullmatch(self.bad_when):
            problems.append(f"bad_when {self.bad_when!r} is neither a value nor a comparison such as '> 0'")
        if problems:
            raise BadConfiguration(*problems)

    @property
    def features(self) -> tuple[str, ...]:
        """What a model may see, numeric columns first."""
        return self.numeric + self.categorical

    @property
    def carried(self) -> tuple[str, ...]:
        """Every column that the tables hold beside id and label, each once."""
        group = (self.group,) if self.group else ()
        return tuple(dict.fromkeys((*self.features, *self.dates, *self.kept, *self.protected, *group)))

    def comparison(self) -> tuple[str, float | str]:
        """``bad_when`` as an operator and its operand: ``('>', 0.0)`` or ``('=', 'bad')``."""
        match = _BAD_WHEN.fullmatch(self.bad_when)
        if match is None:
            raise BadConfiguration(f"bad_when {self.bad_when!r} is neither a value nor a comparison such as '> 0'")
        return (match["op"], float(match["limit"])) if match["op"] else ("=", match["value"])

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and dicts, for JSON and YAML."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> DatasetDescription:
        """Reads a description; unknown and missing keys are named together."""
        known = {f.name: f for f in dataclasses.fields(cls)}
        problems = [
            f"dataset description has no key {key!r}; keys are {', '.join(known)}" for key in given if key not in known
        ]
        problems += [f"dataset description needs {key}" for key in ("name", "target") if not given.get(key)]
        if problems:
            raise BadConfiguration(*problems)
        values: dict[str, Any] = {
            key: tuple(map(str, value)) if isinstance(value, list) and key != "catalogue" else value
            for key, value in given.items()
        }
        values["catalogue"] = tuple(FeatureLine(**line) for line in given.get("catalogue", ()))
        values["bad_when"] = str(values.get("bad_when", "1"))
        return cls(**values)

    def _roles(self) -> dict[str, list[str]]:
        roles: dict[str, list[str]] = {self.target: ["target"]}
        if self.id is not None:
            roles.setdefault(self.id, []).append("id")
        if self.group is not None and self.group != self.id:
            roles.setdefault(self.group, []).append("group")
        for role in ("numeric", "categorical", "dates", "kept", "excluded", "protected"):
            for column in getattr(self, role):
                # Kaggle's `loss` is both what defines default and the severity that later parts model.
                if not (role == "kept" and column == self.target):
                    roles.setdefault(column, []).append(role)
        return roles
