"""The business date of a run. It travels as Airflow's partition key, because runs of assets have no logical date.

See docs/adr/0007.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pendulum
from airflow.sdk.exceptions import AirflowFailException


class DatedRun(Protocol):
    """What is needed of Airflow's DAG run."""

    partition_key: str | None
    logical_date: Any
    run_after: Any


def as_of(params: Mapping[str, Any], dag_run: DatedRun, *, timezone: str = "UTC") -> str:
    """The business date of a run: what its form says, else its partition key, else the local day of its logical date.

    A run without any of them, such as one that a person starts from the form of a DAG that follows an asset, is about
    the local day on which it was started. That day is kept with the run: a cleared run has it too.

    Returns:
        YYYY-MM-DD. `timezone` decides which day a moment falls on.

    Raises:
        AirflowFailException: form and partition key contradict each other.
    """
    given, key = params.get("as_of"), dag_run.partition_key
    if given and key and given != key:
        raise AirflowFailException(f"as_of {given} contradicts the run's partition key {key}: give only one of them")
    if given or key:
        return str(given or key)
    moment = dag_run.logical_date or dag_run.run_after
    return str(pendulum.instance(moment).in_timezone(timezone).to_date_string())
