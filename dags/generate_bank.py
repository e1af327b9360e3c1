"""Makes the three tables of a synthetic bank: loans, customers and monthly credit history, at any size.

* **Result**: the bank's tables below `sources`, as the bank would know them on the business date. A rerun replaces
  them.
* **Reads**: nothing. The same seed gives the same bank.
* **Starts**: nothing. `build_features` fills the feature store. `generate_data` with source `bank` makes a data set.
* **On failure**: the tables are those of the run before. Mend the form, run again.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, chain

from arrears.contracts.job_configs.jobs import GenerateBankConfig
from include.cluster_sizes import SMALL
from include.dag_defaults import Tag, dag_defaults
from include.forms import business_date, form
from include.mail.send import report_run
from include.settings import Settings
from include.spark_task import spark_task
from include.templating import AS_OF, chosen

settings = Settings.from_env(os.environ)

FIRST = ("dataset", "loans", "seed")
TIME = ("history_months", "first_month", "decision_months")
FLAWS = ("default_rate", "missing_share", "late_share", "drift_from")

with DAG(
    "generate_bank",
    schedule=None,
    params={
        "as_of": business_date(settings),
        **form(GenerateBankConfig, *FIRST, *TIME, *FLAWS, dataset=settings.bank),
    },
    dagrun_timeout=timedelta(hours=8),
    **dag_defaults(settings, Tag.DATA, doc=__doc__),
):
    generate_bank = spark_task("generate_bank", settings, size=SMALL, as_of=AS_OF, **chosen(*FIRST, *TIME, *FLAWS))
    send_report = report_run(settings)

    chain(generate_bank, send_report)
