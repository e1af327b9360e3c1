"""Builds a dataset version again from the table versions it was made of, and proves that it is the same.

* **Result**: a mail that says identical, or what differs. No table is changed.
* **Reads**: the version's manifest, and the source as it stood then.
* **Starts**: nothing.
* **On failure**: the data cannot be had as they were: a file has changed, or maintenance has removed the old version.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.job_configs.jobs import ReplayTrainingSetConfig
from include.cluster_sizes import SMALL
from include.dag_defaults import Tag, dag_defaults
from include.forms import business_date, form
from include.mail.send import report_run
from include.settings import Settings
from include.spark_task import spark_task
from include.templating import chosen

settings = Settings.from_env(os.environ)

with DAG(
    "replay",
    schedule=None,
    params={
        "as_of": business_date(settings),
        **form(ReplayTrainingSetConfig, "dataset", "dataset_version", dataset=settings.dataset),
    },
    dagrun_timeout=timedelta(hours=8),
    **dag_defaults(settings, Tag.DATA, doc=__doc__),
):
    replay_training_set = spark_task(
        "replay_training_set", settings, size=SMALL, **chosen("dataset", "dataset_version")
    )
    send_report = report_run(settings)

    chain(replay_training_set, send_report)
