"""Takes in a day's outcomes as a bank learns them: who has defaulted, who has repaid, and since when that is known.

* **Result**: the partition of `outcomes` for the business date: borrower, label, and the day since which it is known.
* **Reads**: the delivery of the business date, waited for until its deadline.
* **Starts**: nothing. It publishes the asset `outcomes`.
* **On failure**: the day's outcomes are missing, or those of an earlier delivery. Clear the run when the delivery is
  there.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.jobs import KeepOutcomesConfig
from include.assets import publish, table_asset
from include.cluster_sizes import DRIVER_ONLY, SMALL
from include.dag_defaults import Tag, by_the_clock, dag_defaults
from include.delivery_sensor import delivered_from, delivery_sensor
from include.forms import business_date, form
from include.mail.send import report_run
from include.scheduled import scheduled
from include.spark_task import spark_task
from include.templating import AS_OF, PINS, chosen

DELIVERY = ("source", "known_on", "date_column", "marker", "fewest")

for settings in scheduled(os.environ):
    own = {"dataset": settings.dataset, **delivered_from(settings.outcomes)}
    with DAG(
        settings.own("outcomes"),
        schedule=by_the_clock(settings.outcomes_cron, settings) if settings.outcomes_cron else None,
        params={
            "as_of": business_date(settings),
            **form(KeepOutcomesConfig, "dataset", *DELIVERY, **own),
        },
        dagrun_timeout=timedelta(hours=9 + 2 * settings.outcomes.wait_hours),
        **dag_defaults(settings, Tag.DATA, doc=__doc__),
    ):
        outcomes = table_asset(Table.OUTCOMES, settings)
        resolve_versions = spark_task(
            "resolve_versions", settings, size=DRIVER_ONLY, as_of=AS_OF, pins=PINS, **chosen("dataset")
        )
        wait_for_delivery = delivery_sensor(settings.outcomes)
        keep_outcomes = spark_task(
            "keep_outcomes",
            settings,
            size=SMALL,
            as_of=AS_OF,
            dataset_version=resolve_versions.result("dataset_version"),
            outlets=[outcomes],
            post_execute=publish(outcomes, settings),
            **chosen("dataset", *DELIVERY),
        )
        send_report = report_run(settings)

        chain(resolve_versions, wait_for_delivery, keep_outcomes, send_report)
