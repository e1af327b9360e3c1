"""The task that waits for a day's delivery and holds no worker while it waits.

See docs/adr/0059.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from arrears.contracts.daily_deliveries import SAMPLE, address_of_day, delivery_problems, is_delivered_daily
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.operation import Deliveries
from include.templating import AS_OF

LOOK_AGAIN = timedelta(minutes=1)
_ONE_LOOK = timedelta(minutes=5)  # what a look and the way to it may take


class DeliverySensor(BaseSensorOperator):
    """Waits until the delivery of a business date is there and complete, at most until its deadline.

    A delivery without a marker file counts as complete when two looks, a minute apart, have found the same files. A
    table with a date column counts by its log. Where only Spark can look, the job that reads the rows decides.
    """

    template_fields = ("source", "date_column", "marker", "as_of")

    def __init__(
        self, *, source: str, date_column: str, marker: str, as_of: str, patience: timedelta, **kwargs: Any
    ) -> None:
        # A retry looks again and waits for the same deadline, so no try takes longer than the wait.
        super().__init__(execution_timeout=patience + _ONE_LOOK, **kwargs)
        self.source, self.date_column, self.marker, self.as_of = source, date_column, marker, as_of
        self.patience = patience

    def execute(self, context: Any) -> str:
        """Looks for the first time."""
        return self.look(context)

    def look(self, context: Any, seen: str = "", event: Any = None) -> str:
        """Looks once. Then it is done, it frees its worker until the next look, or the deadline is over.

        Args:
            seen: what the look before has found, in short.
            event: of the trigger that ended the pause.

        Raises:
            AirflowFailException: nothing complete is there at the deadline, or the address cannot be a delivery's.
        """
        if self.source == SAMPLE:
            return SAMPLE
        if problems := delivery_problems(self.source, self.date_column):
            raise AirflowFailException("; ".join(problems))
        address = address_of_day(self.source, self.as_of)
        try:
            missing, found = self._found(address, seen)
        except BadConfiguration as error:  # another look would find the same
            raise AirflowFailException(str(error)) from None
        if not missing:
            return address
        deadline, now = context["dag_run"].run_after + self.patience, datetime.now(UTC)
        # What is there at last gets its second look, also where a run is cleared long after its deadline.
        is_new = found != "" and not seen
        if now >= deadline and not is_new:
            raise AirflowFailException(
                f"late: {missing} ({self.as_of}, waited for until {deadline:%Y-%m-%d %H:%M} UTC);"
                " clear the run once it is complete"
            )
        self.log.info("%s: looking again, until %s", missing, deadline)
        moment = now + LOOK_AGAIN if is_new else min(now + LOOK_AGAIN, deadline)
        raise TaskDeferred(trigger=DateTimeTrigger(moment=moment), method_name="look", kwargs={"seen": found})

    def _found(self, address: str, seen: str) -> tuple[str, str]:
        """What is missing, empty where nothing is, and what was found, in short."""
        # boto3 takes a third of a second to import: Airflow parses this file all day.
        from arrears.stores.delivered_files import fingerprint, is_in_table, what_is_missing
        from arrears.stores.objects import Objects

        objects = Objects()
        if missing := what_is_missing(address, self.marker, objects):
            return missing, ""
        if not is_delivered_daily(self.source):
            there = is_in_table(address, self.date_column, self.as_of, objects)
            return "" if there else f"{address} has no row of {self.as_of} yet", ""
        found = fingerprint(address, objects)
        if self.marker or found in ("", seen):
            return "", found
        return f"the files at {address} have changed within a minute, or were seen for the first time", found


def delivery_sensor(delivery: Deliveries) -> DeliverySensor:
    """The task before the one that takes a delivery in. It is done at once where borrowers are drawn from a sample."""
    return DeliverySensor(
        task_id="wait_for_delivery",
        source="{{ text(params.source) }}",
        date_column="{{ text(params.date_column) }}",
        marker="{{ text(params.marker) }}",
        as_of=AS_OF,
        retries=1,
        patience=timedelta(hours=delivery.wait_hours),
    )


def delivered_from(delivery: Deliveries) -> dict[str, Any]:
    """What the form says of a delivery at first. A source that nobody has named is as the job says."""
    given = {name: getattr(delivery, name) for name in ("source", "date_column", "marker", "fewest")}
    return {name: value for name, value in given.items() if (name, value) != ("source", SAMPLE)}
