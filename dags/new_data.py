"""Draws the day's new borrowers from the held-out set, as the bank's systems would deliver them.

* **Result**: the partition of `test_sample` for the business date, without labels. A rerun rewrites the same rows.
* **Reads**: `test`, in the version that is in force on the business date.
* **Starts**: `inference` for the same business date, if this is the data set that schedules follow.
* **On failure**: the day has no new data and is not scored. Clear the run. Past days: `airflow backfill create`.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.job_configs.jobs import SampleNewDataConfig
from include.assets import TEST_SAMPLE, publish
from include.cluster_sizes import DRIVER_ONLY, SMALL
from include.dag_defaults import Tag, by_the_clock, dag_defaults
from include.forms import business_date, form
from include.mail.send import report_run
from include.settings import Settings
from include.spark_task import spark_task
from include.templating import AS_OF, PINS, chosen

settings = Settings.from_env(os.environ)

DRAW = ("fraction", "drawn_from", "with_replacement", "seed")

with DAG(
    "new_data",
    schedule=by_the_clock(settings.new_data_cron, settings),
    params={"as_of": business_date(settings), **form(SampleNewDataConfig, "dataset", *DRAW, dataset=settings.dataset)},
    dagrun_timeout=timedelta(hours=8),
    **dag_defaults(settings, Tag.DATA, doc=__doc__),
):
    resolve_versions = spark_task(
        "resolve_versions", settings, size=DRIVER_ONLY, as_of=AS_OF, pins=PINS, **chosen("dataset")
    )
    sample_new_data = spark_task(
        "sample_new_data",
        settings,
        size=SMALL,
        as_of=AS_OF,
        dataset_version=resolve_versions.result("dataset_version"),
        outlets=[TEST_SAMPLE],
        post_execute=publish(TEST_SAMPLE, settings),
        **chosen("dataset", *DRAW),
    )
    send_report = report_run(settings)

    chain(resolve_versions, sample_new_data, send_report)
