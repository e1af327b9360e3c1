"""How one data set is run day by day: its schedules, whom its mails reach, its limits, and how its applicants come in.

It stands under the key ``operation`` of a description and says nothing of what the columns mean, so it is no part of a
dataset version. What it leaves out is as the installation's settings say.

See docs/adr/0060.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from arrears.contracts.daily_deliveries import SAMPLE, require_delivery
from arrears.contracts.errors import BadConfiguration


@dataclass(frozen=True)
class Deliveries:
    """Where a day's rows are delivered, and how long they are waited for.

    Attributes:
        source: ``sample``: none are, borrowers are drawn from the held-out set. Else a path or a table.
        date_column: the business date of each row, where the address does not hold it.
        marker: file whose presence says that a delivery is complete.
        fewest: rows below which a delivery is taken for a part of one.
        wait_hours: from the run's start until a delivery that is not complete is late.
    """

    source: str = SAMPLE
    date_column: str | None = None
    marker: str | None = None
    fewest: int = 1
    wait_hours: float = 6.0

    def __post_init__(self) -> None:
        if not 0 <= self.wait_hours <= 72:
            raise BadConfiguration(f"wait_hours {self.wait_hours:g} is not from 0 to 72")
        if self.fewest < 1:
            raise BadConfiguration(f"fewest {self.fewest} is below 1")
        if self.source != SAMPLE:
            require_delivery(self.source, self.date_column)


@dataclass(frozen=True)
class Operation:
    """What one data set has of its own in operation. None and empty: as the installation's settings say.

    Attributes:
        new_data_cron, maintenance_cron: when these DAGs run.
        recipients: mail addresses of its reports and questions.
        risk_limits: LOW below the first, HIGH from the second default probability on.
        approval: ``human``: a named person approves each new champion.
        approvers: ids of those who may.
        applicants: where its new borrowers come from.
        outcomes: where outcomes come from. ``sample``: none are delivered on schedule.
        outcomes_cron: when they are taken in. None: by hand.
    """

    new_data_cron: str | None = None
    maintenance_cron: str | None = None
    recipients: tuple[str, ...] = ()
    risk_limits: tuple[float, ...] = ()
    approval: Literal["auto", "human"] | None = None
    approvers: tuple[str, ...] = ()
    applicants: Deliveries = field(default_factory=Deliveries)
    outcomes: Deliveries = field(default_factory=Deliveries)
    outcomes_cron: str | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.risk_limits and not (
            len(self.risk_limits) == 2 and 0 <= self.risk_limits[0] < self.risk_limits[1] <= 1
        ):
            problems.append("risk_limits must be two rising probabilities from 0 to 1")
        if self.outcomes_cron and self.outcomes.source == SAMPLE:
            problems.append("outcomes_cron needs outcomes: where they are delivered")
        problems += [f"recipient {name!r} is no mail address" for name in self.recipients if name.count("@") != 1]
        if problems:
            raise BadConfiguration(*problems)
