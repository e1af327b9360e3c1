"""Which data sets schedules follow, and the settings of each: the installation's, but for what its description says.

See docs/adr/0060.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arrears.contracts.addresses import checked_dataset
from arrears.contracts.errors import ArrearsError, BadConfiguration
from arrears.contracts.tables.operation import Deliveries, Operation
from arrears.stores.description_files import operation_of
from include.settings import Settings


@dataclass(frozen=True)
class Scheduled(Settings):
    """The settings of one data set that schedules follow.

    Attributes:
        is_first: its DAGs and assets bear their plain names, such as ``new_data``. Others have the data set's name
            after a dot.
        description: where its description lies. Empty: as the form says.
        applicants, outcomes: where its new borrowers, and outcomes, come from.
        outcomes_cron: when outcomes are taken in. Empty: by hand.
    """

    is_first: bool = True
    description: str = ""
    applicants: Deliveries = field(default_factory=Deliveries)
    outcomes: Deliveries = field(default_factory=Deliveries)
    outcomes_cron: str = ""

    def own(self, name: str) -> str:
        """The name of a DAG or an asset of this data set: ``new_data``, or ``new_data.cards``."""
        return name if self.is_first else f"{name}.{self.dataset}"


def scheduled(environ: Mapping[str, str]) -> tuple[Scheduled, ...]:
    """The settings of each data set that schedules follow: that of ``ARREARS_DATASET`` first, then the others.

    Raises:
        BadConfiguration: names everything that is wrong with the settings and with each description.
    """
    settings = Settings.from_env(environ)
    described: dict[str, Scheduled] = {}
    problems: list[str] = []
    for place in settings.datasets:
        try:
            dataset, operation = _read(place)
            if dataset in described:
                raise BadConfiguration(f"data set {dataset} is described already, by {described[dataset].description}")
            described[dataset] = _settings_of(settings, dataset, place, operation)
        except (ArrearsError, OSError) as error:
            told = error.problems if isinstance(error, ArrearsError) else (str(error),)
            problems += [f"ARREARS_DATASETS, {place}: {problem}" for problem in told]
    if problems:
        raise BadConfiguration(*problems)
    first = described.pop(settings.dataset, None) or _settings_of(settings, settings.dataset, "", Operation())
    return (first, *described.values())


def _read(place: str) -> tuple[str, Operation]:
    # Airflow parses DAG files all day: a description that lies elsewhere would be fetched each time.
    if "://" in place:
        raise BadConfiguration("a description that schedules follow must be a file on Airflow's machine")
    name, operation = operation_of(place if "/" not in place else str(Path(place).expanduser()))
    return checked_dataset(name), operation


def _settings_of(settings: Settings, dataset: str, place: str, operation: Operation) -> Scheduled:
    given: dict[str, Any] = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}
    own = {
        "new_data_cron": operation.new_data_cron,
        "maintenance_cron": operation.maintenance_cron,
        "recipients": operation.recipients,
        "risk_limits": ",".join(f"{limit:g}" for limit in operation.risk_limits),
        "approval": operation.approval,
        "approvers": operation.approvers,
    }
    given |= {name: _checked(name, value) for name, value in own.items() if value}
    return Scheduled(
        **given | {"dataset": dataset},
        is_first=dataset == settings.dataset,
        description=place,
        applicants=operation.applicants,
        outcomes=operation.outcomes,
        outcomes_cron=_cron_of("outcomes_cron", operation.outcomes_cron),
    )


def _cron_of(name: str, cron: str | None) -> str:
    return str(_checked(name, cron, rule_of="new_data_cron")) if cron else ""


def _checked(name: str, value: Any, *, rule_of: str = "") -> Any:
    """A value that a description gives in place of a setting, held to the same rules."""
    read = {f.name: f.metadata["read"] for f in dataclasses.fields(Settings)}[rule_of or name]
    try:
        return read(value) if isinstance(value, str) else value
    except ValueError as error:
        raise BadConfiguration(f"operation.{name}: {error}") from None
