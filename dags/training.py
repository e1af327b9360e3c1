"""Trains a model on the cluster, measures it on held-out borrowers, and makes it champion if it is the better one.

* **Result**: an MLflow run with its report; a registered model, and the alias `champion` on it where it meets the rules
  of the data set, stands up to the present champion and, with `approval` set to `human`, a person approves it in time.
  A tie, a refusal and a rejection keep the champion and are a success. Every decision is in the log of decisions.
* **Reads**: `train` and `test`, in the version that is in force on the business date.
* **Starts**: nothing. A new champion is published as the asset `champion`. `inference` takes the champion it finds.
* **On failure**: the champion stays as it is. The mail says who must act. Run again from the form.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, chain

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.arguments import names_of
from arrears.contracts.job_configs.engine_choices import ClusterChoices, EngineChoices
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, PromoteModelConfig, TrainModelConfig
from arrears.contracts.job_configs.leak_override import LeakOverride
from arrears.contracts.job_configs.model_choices import CalibrationChoices, CutoffChoices
from arrears.contracts.job_configs.preparation_choices import PreparationChoices, RejectChoices, SamplingChoices
from include.approval import answers, approval_param, model_approval, unless_automatic
from include.assets import champion_asset, each_day_of, publish_champion, table_asset
from include.cluster_sizes import DRIVER_ONLY, SMALL, TRAINING
from include.dag_defaults import Tag, dag_defaults
from include.forms import business_date, form
from include.mail.send import report_run
from include.scheduled import scheduled
from include.spark_task import spark_task
from include.templating import AS_OF, PINS, REQUESTED_BY, RUN_FOLDER, RUN_ID, RUN_URL, chosen

# The form asks for these first, the engine's other settings in a section of their own, and then group by group.
FIRST = ("features", "iterations", "learning_rate", "depth")
ENGINE = ("engine_options", "early_stopping_rounds", "validation_share", "refit", "clusters")
CHOICES = (SamplingChoices, RejectChoices, PreparationChoices, CalibrationChoices, CutoffChoices, ClusterChoices)
MEASURES = ("replicates", "segment_by")

for settings in scheduled(os.environ):
    with DAG(
        settings.own("training"),
        schedule=each_day_of(table_asset(Table.TRAIN, settings)),
        params={
            "as_of": business_date(settings),
            **form(TrainModelConfig, "dataset", "task", "engine", *FIRST, dataset=settings.dataset),
            "approval": approval_param(settings),
            **form(TrainModelConfig, *ENGINE, *CHOICES),
            **form(EvaluateModelConfig, *MEASURES),
            **form(PromoteModelConfig, "gate_override", "override_reason"),
            **form(TrainModelConfig, LeakOverride),
        },
        dagrun_timeout=timedelta(days=6),
        **dag_defaults(settings, Tag.MODEL, doc=__doc__),
    ):
        resolve_versions = spark_task(
            "resolve_versions", settings, size=DRIVER_ONLY, as_of=AS_OF, pins=PINS, **chosen("dataset", "task")
        )
        pinned: dict[str, Any] = {
            "dataset_version": resolve_versions.result("dataset_version"),
            "champion_version": resolve_versions.result("champion_version"),
        }
        train_model = spark_task(
            "train_model",
            settings,
            size=TRAINING,
            retries=1,
            execution_timeout=timedelta(hours=6),
            dataset_version=pinned["dataset_version"],
            run_label=RUN_ID,
            run_url=RUN_URL,
            as_of=AS_OF,
            **chosen(*names_of("dataset", "task", EngineChoices, *CHOICES, "segment_by", LeakOverride)),
        )
        mlflow_run_id = train_model.result("mlflow_run_id")
        evaluate_model = spark_task(
            "evaluate_model",
            settings,
            size=SMALL,
            mlflow_run_id=mlflow_run_id,
            report_folder=f"{RUN_FOLDER}/report",
            **pinned,
            **chosen("dataset", "seed", *MEASURES),
        )
        # Both skip themselves where the approval is automatic.
        propose_model = spark_task(
            "propose_model",
            settings,
            size=DRIVER_ONLY,
            pre_execute=unless_automatic,
            mlflow_run_id=mlflow_run_id,
            **pinned,
            **chosen("dataset", "task"),
        )
        approve_model = model_approval(settings)
        promote_model = spark_task(
            "promote_model",
            settings,
            size=DRIVER_ONLY,
            trigger_rule="none_failed",
            outlets=[champion_asset(settings)],
            post_execute=publish_champion(settings),
            mlflow_run_id=mlflow_run_id,
            report_folder=f"{RUN_FOLDER}/report",
            run_label=RUN_ID,
            requested_by=REQUESTED_BY,
            **pinned,
            **answers(),
            **chosen("dataset", "task", "approval"),
        )
        send_report = report_run(settings)

        chain(resolve_versions, train_model, evaluate_model, propose_model, approve_model, promote_model, send_report)
