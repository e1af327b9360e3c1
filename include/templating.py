"""What a task knows only when it runs, as the Jinja expressions that the DAGs pass to their jobs."""

from __future__ import annotations

from functools import partial
from typing import Any

from include.airflow_pages import page_of_run
from include.dates import as_of
from include.settings import Settings

AS_OF = "{{ as_of(params, dag_run) }}"
OUTCOME = "{{ addresses.outcome(dag.dag_id, run_id, task.task_id, ti.try_number) }}"
PINS = "{{ addresses.resolved(dag.dag_id, run_id) }}"
RUN_FOLDER = "{{ addresses.run_folder(dag.dag_id, run_id) }}"
RUN_ID = "{{ run_id }}"
RUN_URL = "{{ page_of_run(dag.dag_id, run_id) }}"
# Empty for a run that a schedule or an asset has started.
REQUESTED_BY = "{{ text(dag_run.triggering_user_name) }}"
# Fixed when the run is created: a cleared and repeated run writes the same rows.
RUN_TIME = "{{ dag_run.run_after.isoformat() }}"


def chosen(*names: str) -> dict[str, Any]:
    """Arguments that a job takes as they are in the form."""
    return {name: f"{{{{ text(params.{name}) }}}}" for name in names}


def macros(settings: Settings) -> dict[str, Any]:
    """The names that these expressions use, for a DAG's `user_defined_macros`."""
    return {
        "as_of": partial(as_of, timezone=settings.timezone),
        "addresses": settings.addresses,
        "page_of_run": page_of_run,
        "text": _text,
    }


def _text(value: Any) -> str:
    return "" if value is None else str(value)
