"""Scores a day's new borrowers with the champion: how likely is each to default, and which risk category is that.

* **Result**: the partition of `test_sample_inference` for the business date, exactly one row for each row of
  `test_sample`. A rerun writes the same partition.
* **Reads**: `test_sample` of the business date, and the champion that the run's first task found.
* **Starts**: nothing here. It publishes the asset `test_sample_inference`, for DAGs of your own.
* **On failure**: the day's scores are missing or those of the earlier run. Clear the run when the cause is mended. A
  date that another champion has scored needs `force` in the form.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.jobs import ScoreBorrowersConfig
from include.assets import each_day_of, publish, table_asset
from include.cluster_sizes import DRIVER_ONLY, SMALL
from include.dag_defaults import Tag, dag_defaults
from include.forms import business_date, form
from include.mail.send import report_run
from include.scheduled import scheduled
from include.spark_task import spark_task
from include.templating import AS_OF, PINS, RUN_FOLDER, RUN_TIME, chosen

for settings in scheduled(os.environ):
    with DAG(
        settings.own("inference"),
        schedule=each_day_of(table_asset(Table.TEST_SAMPLE, settings)),
        params={
            "as_of": business_date(settings),
            **form(ScoreBorrowersConfig, "dataset", "force", dataset=settings.dataset),
        },
        dagrun_timeout=timedelta(hours=8),
        **dag_defaults(settings, Tag.SCORES, doc=__doc__),
    ):
        scores = table_asset(Table.TEST_SAMPLE_INFERENCE, settings)
        resolve_versions = spark_task(
            "resolve_versions",
            settings,
            size=DRIVER_ONLY,
            as_of=AS_OF,
            pins=PINS,
            needs_champion=True,
            **chosen("dataset"),
        )
        score_borrowers = spark_task(
            "score_borrowers",
            settings,
            size=SMALL,
            as_of=AS_OF,
            model_version=resolve_versions.result("champion_version"),
            scored_at=RUN_TIME,
            report_folder=f"{RUN_FOLDER}/report",
            risk_limits=settings.risk_limits,
            outlets=[scores],
            post_execute=publish(scores, settings),
            **chosen("dataset", "force"),
        )
        send_report = report_run(settings)

        chain(resolve_versions, score_borrowers, send_report)
