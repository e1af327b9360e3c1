"""What one DAG makes and another waits for, one event for each business date.

See docs/adr/0009.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from airflow.sdk import Asset, PartitionedAssetTimetable, StartOfDayMapper

from include.dates import as_of
from include.settings import Settings

log = logging.getLogger(__name__)

TRAIN = Asset("train", uri="x-arrears://train", group="arrears")
TEST_SAMPLE = Asset("test_sample", uri="x-arrears://test_sample", group="arrears")

# It refuses a key that is no date, where the identity mapper would start a run for it.
BY_DAY = StartOfDayMapper(input_format="%Y-%m-%d")


def each_day_of(asset: Asset) -> PartitionedAssetTimetable:
    """The schedule of a DAG that runs once for every business date that the asset is published for."""
    return PartitionedAssetTimetable(assets=asset, default_partition_mapper=BY_DAY)


def publish(asset: Asset, settings: Settings) -> Callable[[Any, Any], None]:
    """What a writing task does last: it publishes the asset for its business date.

    Only the data set that schedules follow is published: a trial with another one must not start a training run
    that would read the scheduled one. Without a key Airflow starts nothing.
    """

    def after(context: Any, result: Any = None) -> None:
        dataset = context["params"]["dataset"]
        if dataset != settings.dataset:
            log.info(
                "%s is not published: this run wrote %s, schedules follow %s",
                asset.name,
                dataset,
                settings.dataset,
            )
            return
        event = context["outlet_events"][asset]
        event.extra = {"dataset": dataset, "run_id": context["run_id"]}
        event.add_partitions(as_of(context["params"], context["dag_run"], timezone=settings.timezone))

    return after
