"""Computes a bank's features as they are known on a date and merges them into the feature store.

* **Result**: the date's partition of every feature table. A rerun with the same tables changes nothing.
* **Reads**: the bank's tables, checked against their contracts. Rows that break a rule are put into quarantine.
* **Starts**: nothing. `generate_data` with features from the store joins them to decisions.
* **On failure**: the store is as it was. An empty month, a hole or a changed column is named in the mail. Past dates:
  `airflow backfill create`.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.job_configs.jobs import BuildFeaturesConfig
from include.cluster_sizes import SMALL
from include.dag_defaults import Tag, by_the_clock, dag_defaults
from include.forms import business_date, form
from include.mail.send import report_run
from include.settings import Settings
from include.spark_task import spark_task
from include.templating import AS_OF, chosen

settings = Settings.from_env(os.environ)

TABLES = ("description", "most_broken_share", "allow_new_columns")

with DAG(
    "build_features",
    schedule=by_the_clock(settings.features_cron, settings),
    params={"as_of": business_date(settings), **form(BuildFeaturesConfig, "dataset", *TABLES, dataset=settings.bank)},
    dagrun_timeout=timedelta(hours=8),
    **dag_defaults(settings, Tag.DATA, doc=__doc__),
):
    build_features = spark_task("build_features", settings, size=SMALL, as_of=AS_OF, **chosen("dataset", *TABLES))
    send_report = report_run(settings)

    chain(build_features, send_report)
