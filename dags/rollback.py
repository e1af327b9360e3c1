"""Brings an earlier champion back, at once and on record: who wanted it, when, and why.

* **Result**: the alias `champion` on the version before the present one, or on the earlier champion that the form
  names; an entry in the log of decisions. No model is trained and no table is changed.
* **Reads**: the log of decisions and the model registry.
* **Starts**: nothing. `inference` takes the champion it finds. A scored date keeps its scores unless it is forced.
* **On failure**: the present champion stays. The mail says what is missing.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.job_configs.jobs import RollbackModelConfig
from include.assets import champion_asset, publish_champion
from include.cluster_sizes import DRIVER_ONLY
from include.dag_defaults import Tag, dag_defaults
from include.forms import business_date, form
from include.mail.send import report_run
from include.scheduled import scheduled
from include.spark_task import spark_task
from include.templating import REQUESTED_BY, RUN_ID, chosen

for settings in scheduled(os.environ):
    with DAG(
        settings.own("rollback"),
        schedule=None,
        params={
            "as_of": business_date(settings),
            **form(RollbackModelConfig, "dataset", "task", "to_version", "reason", dataset=settings.dataset),
        },
        dagrun_timeout=timedelta(hours=8),
        **dag_defaults(settings, Tag.MODEL, doc=__doc__),
    ):
        rollback_model = spark_task(
            "rollback_model",
            settings,
            size=DRIVER_ONLY,
            run_label=RUN_ID,
            requested_by=REQUESTED_BY,
            outlets=[champion_asset(settings)],
            post_execute=publish_champion(settings),
            **chosen("dataset", "task", "to_version", "reason"),
        )
        send_report = report_run(settings)

        chain(rollback_model, send_report)
