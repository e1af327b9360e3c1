"""Tries many ways to train on the same folds, side by side, and ranks them.

* **Result**: an MLflow run with one nested run a trial; a page with the ranking, and the best configuration as JSON for
  the form of `training` and as YAML. Nothing is registered, nobody becomes champion.
* **Reads**: an experiment of the folder `experiments`; `train`, in the version that is in force on the business date.
* **Starts**: nothing.
* **On failure**: clear the task: trials that are finished are taken from MLflow, and the rest is trained.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.job_configs.arguments import names_of
from arrears.contracts.job_configs.experiments import shipped_experiments
from arrears.contracts.job_configs.jobs import RunExperimentConfig
from arrears.contracts.job_configs.leak_override import LeakOverride
from include.cluster_sizes import TRAINING
from include.dag_defaults import Tag, dag_defaults
from include.forms import business_date, form
from include.mail.send import report_run
from include.settings import Settings
from include.spark_task import spark_task
from include.templating import AS_OF, PINS, RUN_FOLDER, RUN_ID, RUN_URL, chosen

settings = Settings.from_env(os.environ)

with DAG(
    "experiment",
    schedule=None,
    params={
        "as_of": business_date(settings),
        **form(RunExperimentConfig, "dataset", "experiment", LeakOverride, dataset=settings.dataset),
    },
    dagrun_timeout=timedelta(hours=50),
    **dag_defaults(settings, Tag.MODEL, doc=__doc__),
) as dag:
    dag.params.get_param("experiment").schema["enum"] = list(shipped_experiments())
    run_experiment = spark_task(
        "run_experiment",
        settings,
        size=TRAINING,
        retries=1,
        execution_timeout=timedelta(hours=24),
        as_of=AS_OF,
        pins=PINS,
        report_folder=f"{RUN_FOLDER}/report",
        run_label=RUN_ID,
        run_url=RUN_URL,
        **chosen(*names_of("dataset", "experiment", LeakOverride)),
    )
    send_report = report_run(settings)

    chain(run_experiment, send_report)
