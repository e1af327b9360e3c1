"""Compacts the feature tables, deletes files that no version needs any more, and sweeps what killed runs left.

* **Result**: fewer, larger files, and no training snapshot of a run that died. The content of every table is unchanged.
* **Reads**: every Delta table of the data set.
* **Starts**: nothing. Replays reach back as far as `retain_hours`.
* **On failure**: nothing is lost. The next run does the rest.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.job_configs.jobs import MaintainTablesConfig
from include.cluster_sizes import SMALL
from include.dag_defaults import Tag, by_the_clock, dag_defaults
from include.forms import business_date, form
from include.mail.send import report_run
from include.scheduled import scheduled
from include.spark_task import spark_task
from include.templating import chosen

LIMITS = ("retain_hours", "snapshot_days")

for settings in scheduled(os.environ):
    with DAG(
        settings.own("maintenance"),
        schedule=by_the_clock(settings.maintenance_cron, settings),
        params={
            "as_of": business_date(settings),
            **form(MaintainTablesConfig, "dataset", *LIMITS, dataset=settings.dataset),
        },
        dagrun_timeout=timedelta(hours=8),
        **dag_defaults(settings, Tag.DATA, doc=__doc__),
    ):
        maintain_tables = spark_task("maintain_tables", settings, size=SMALL, **chosen("dataset", *LIMITS))
        send_report = report_run(settings)

        chain(maintain_tables, send_report)
