"""Turns a source of borrowers into a training set and a held-out set, once, by hand.

* **Result**: a dataset version of `train` and `test` with its activation for the business date, and a page about it.
* **Reads**: Lending Club loans, a file or a bank's tables with their description, or the synthetic generator.
* **Starts**: `training` for the same business date, if this is the data set that schedules follow.
* **On failure**: the mail names every problem of the file. Nothing was written. Mend the file or the form, run again.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.arguments import names_of
from arrears.contracts.job_configs.jobs import GenerateDataConfig
from arrears.contracts.job_configs.reading_choices import ReadingChoices
from include.assets import publish, table_asset
from include.cluster_sizes import SMALL
from include.dag_defaults import Tag, dag_defaults
from include.forms import business_date, form
from include.mail.send import report_run
from include.scheduled import scheduled
from include.spark_task import spark_task
from include.templating import AS_OF, RUN_FOLDER, chosen

FIRST = ("source", "dataset", "split", "test_share")
SOURCE = (
    *("target", "bad_when", "good_when", "unlabelled", "id_column", "description"),
    *("rest", "exclude", "schema_drift"),
)
READING = names_of(ReadingChoices)
SPLIT = ("test_from", "embargo_days", "seed")
BANK = ("features_from", "most_broken_share", "allow_new_columns")
SYNTHETIC = ("rows", "features", "default_rate", "missing_share")

for settings in scheduled(os.environ):
    own = {"dataset": settings.dataset, **({"description": settings.description} if settings.description else {})}
    with DAG(
        settings.own("generate_data"),
        schedule=None,
        params={
            "as_of": business_date(settings),
            **form(GenerateDataConfig, *FIRST, *SOURCE, *READING, *BANK, *SPLIT, *SYNTHETIC, **own),
        },
        dagrun_timeout=timedelta(hours=8),
        **dag_defaults(settings, Tag.DATA, doc=__doc__),
    ):
        train = table_asset(Table.TRAIN, settings)
        generate_data = spark_task(
            "generate_data",
            settings,
            size=SMALL,
            as_of=AS_OF,
            outlets=[train],
            post_execute=publish(train, settings),
            **chosen(*FIRST, *SOURCE, *READING, *BANK, *SPLIT, *SYNTHETIC),
        )
        explore_data = spark_task(
            "explore_data",
            settings,
            size=SMALL,
            partition=generate_data.result("dataset_version"),
            report_folder=f"{RUN_FOLDER}/report",
            **chosen("dataset", "seed"),
        )
        send_report = report_run(settings)

        chain(generate_data, explore_data, send_report)
