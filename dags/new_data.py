"""Takes in the day's new borrowers: a bank's own applicants where it delivers them, else a sample of the held-out set.

* **Result**: the partition of `test_sample` for the business date, without labels. A rerun rewrites the same rows.
* **Reads**: the delivery of the business date, waited for until its deadline; or `test`, in the version in force then.
* **Starts**: `inference` for the same business date, if this is the data set that schedules follow.
* **On failure**: the day is not scored, or keeps its earlier delivery. Clear the run when the delivery is there. Past
  days: `airflow backfill create`.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.jobs import SampleNewDataConfig
from include.assets import publish, table_asset
from include.cluster_sizes import DRIVER_ONLY, SMALL
from include.dag_defaults import Tag, by_the_clock, dag_defaults
from include.delivery_sensor import delivered_from, delivery_sensor
from include.forms import business_date, form
from include.mail.send import report_run
from include.scheduled import scheduled
from include.spark_task import spark_task
from include.templating import AS_OF, PINS, chosen

DRAW = ("fraction", "drawn_from", "with_replacement", "seed")
DELIVERY = ("source", "date_column", "marker", "fewest")

for settings in scheduled(os.environ):
    own = {"dataset": settings.dataset, **delivered_from(settings.applicants)}
    with DAG(
        settings.own("new_data"),
        schedule=by_the_clock(settings.new_data_cron, settings),
        params={
            "as_of": business_date(settings),
            **form(SampleNewDataConfig, "dataset", "source", *DRAW, **own),
            **form(SampleNewDataConfig, *DELIVERY[1:], **own),
        },
        dagrun_timeout=timedelta(hours=9 + 2 * settings.applicants.wait_hours),
        **dag_defaults(settings, Tag.DATA, doc=__doc__),
    ):
        sample = table_asset(Table.TEST_SAMPLE, settings)
        resolve_versions = spark_task(
            "resolve_versions", settings, size=DRIVER_ONLY, as_of=AS_OF, pins=PINS, **chosen("dataset")
        )
        wait_for_delivery = delivery_sensor(settings.applicants)
        sample_new_data = spark_task(
            "sample_new_data",
            settings,
            size=SMALL,
            as_of=AS_OF,
            dataset_version=resolve_versions.result("dataset_version"),
            outlets=[sample],
            post_execute=publish(sample, settings),
            **chosen("dataset", *DELIVERY, *DRAW),
        )
        send_report = report_run(settings)

        chain(resolve_versions, wait_for_delivery, sample_new_data, send_report)
