"""What the configurations of all jobs have in common: where data live, which data set, and how dates are checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from arrears.contracts.addresses import DATASET_NAME, Addresses, checked_dataset
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.arguments import option

_DATES = ("as_of", "test_from", "first_month", "drift_from")


@dataclass(frozen=True, kw_only=True)
class JobConfig:
    """What every job knows: the root of all data, and where to leave its outcome fact."""

    root: str = option("s3://arrears", help="where every dataset and artifact lives")
    outcome: str | None = option(None, help="S3 address of this attempt's outcome fact; empty: only the log tells")
    dataset: str = option(
        "lending_club",
        help="name in lower-case letters, digits and _: one folder in every table, one model in the registry",
        title="Data set",
        pattern=DATASET_NAME,
    )

    def __post_init__(self) -> None:
        checked_dataset(self.dataset)
        _ = self.addresses
        named = {name: getattr(self, name, None) for name in _DATES}
        problems = [
            f"{name} {value!r} is not a date such as 2026-01-31"
            for name, value in named.items()
            if value is not None and not _is_date(value)
        ]
        if problems:
            raise BadConfiguration(*problems)

    @property
    def addresses(self) -> Addresses:
        """Addresses under this job's root."""
        return Addresses(self.root)


def default_of(config_type: type[JobConfig], name: str) -> Any:
    """The default of one field, for an Airflow Param that shows the same."""
    return config_type.__dataclass_fields__[name].default


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
