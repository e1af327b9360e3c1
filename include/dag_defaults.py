"""What every DAG of Arrears has in common: who owns it, how often a task is tried, and what it is filed under."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Any

from airflow.sdk import CronTriggerTimetable

from include.mail.airflow_failures import note_attempt, noted_failure
from include.settings import Settings
from include.templating import macros


class Tag(str, Enum):
    """The closed set of tags."""

    ARREARS = "arrears"
    DATA = "data"
    MODEL = "model"
    SCORES = "scores"


def by_the_clock(cron: str, settings: Settings) -> CronTriggerTimetable:
    """The schedule of a DAG that runs at set times, from the next one on.

    By itself Airflow starts a run at once where a DAG is unpaused within a tenth of its interval after such a time. On
    a new installation nobody expects that run, and it finds no data.
    """
    return CronTriggerTimetable(cron, timezone=settings.timezone, run_immediately=timedelta(0))


def dag_defaults(settings: Settings, *tags: Tag, doc: str | None) -> dict[str, Any]:
    """Arguments of every DAG: one run at a time, no surprise catch-up, two retries for what may heal.

    Each task notes its attempt and, where it fails, the error, which the mail shows.
    `doc` is the DAG's own text in Markdown. Its first line is what the list of DAGs shows.
    """
    text, noted = (doc or "").strip(), noted_failure(settings.addresses)
    return {
        "description": text.partition("\n")[0],
        "doc_md": text,
        "tags": [tag.value for tag in (Tag.ARREARS, *tags)],
        "catchup": False,
        # Runs of one DAG would contend for the same locks and the same cluster.
        "max_active_runs": 1,
        "user_defined_macros": macros(settings),
        "default_args": {
            "owner": "credit-risk",
            "retries": 2,
            "retry_delay": timedelta(seconds=30),
            "execution_timeout": timedelta(hours=1),
            "on_execute_callback": note_attempt,
            "on_failure_callback": noted,
            "on_retry_callback": noted,
        },
    }
