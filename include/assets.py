"""What one DAG makes and another waits for, one event for each business date. Each data set has assets of its own.

See docs/adr/0009 and docs/adr/0060.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk import Asset, PartitionedAssetTimetable, StartOfDayMapper

from arrears.contracts.addresses import Table, registered_model
from arrears.contracts.objectives import DEFAULT
from include.dates import as_of
from include.scheduled import Scheduled

log = logging.getLogger(__name__)

# It refuses a key that is no date, where the identity mapper would start a run for it.
BY_DAY = StartOfDayMapper(input_format="%Y-%m-%d")
_NEW_CHAMPION = ("promoted", "rolled back")


def table_asset(table: Table, settings: Scheduled) -> Asset:
    """The asset of one table of a data set. Its URI is the table's address."""
    address = settings.addresses.table(table, settings.dataset)
    return Asset(settings.own(table.value), uri=address, group="arrears")


def champion_asset(settings: Scheduled) -> Asset:
    """The asset of a data set's champion. Its URI is the address of the log of decisions."""
    address = settings.addresses.promotions(registered_model(settings.dataset))
    return Asset(settings.own("champion"), uri=address, group="arrears")


def each_day_of(asset: Asset) -> PartitionedAssetTimetable:
    """The schedule of a DAG that runs once for every business date that the asset is published for."""
    return PartitionedAssetTimetable(assets=asset, default_partition_mapper=BY_DAY)


def publish(asset: Asset, settings: Scheduled) -> Callable[[Any, Any], None]:
    """What a writing task does last: it publishes the asset for its business date.

    Only the DAG's own data set is published: a trial with another one must not start a training run that would read
    the scheduled one.
    """

    def after(context: Any, result: Any = None) -> None:
        dataset = context["params"]["dataset"]
        if dataset != settings.dataset:
            _leave_out(asset, context, f"this run wrote {dataset}, schedules follow {settings.dataset}")
        else:
            _publish(asset, settings, context, {})

    return after


def publish_champion(settings: Scheduled) -> Callable[[Any, Any], None]:
    """What a deciding task does last: it publishes a new champion, and says which version that is."""
    asset = champion_asset(settings)

    def after(context: Any, result: Mapping[str, Any] | None = None) -> None:
        params, decided = context["params"], result or {}
        if params["dataset"] != settings.dataset or params["task"] != DEFAULT:
            _leave_out(asset, context, f"this run decided about {params['dataset']}, {params['task']}")
        elif decided.get("decision") not in _NEW_CHAMPION:
            _leave_out(asset, context, f"the decision is {decided.get('decision')}")
        else:
            told = {name: str(decided[name]) for name in ("model_name", "model_version") if name in decided}
            _publish(asset, settings, context, told)

    return after


def _publish(asset: Asset, settings: Scheduled, context: Any, told: Mapping[str, str]) -> None:
    event = context["outlet_events"][asset]
    event.extra = {"dataset": settings.dataset, "run_id": context["run_id"], **told}
    event.add_partitions(as_of(context["params"], context["dag_run"], timezone=settings.timezone))


def _leave_out(asset: Asset, context: Any, why: str) -> None:
    log.info("%s is not published: %s", asset.name, why)
    # Airflow publishes every outlet of a task, with the run's own key where the task names none.
    task = context["ti"].task
    task.outlets = [outlet for outlet in task.outlets if outlet != asset]
