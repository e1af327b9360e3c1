"""The business date of a run. It travels as Airflow's partition key, because runs of assets have no logical date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pendulum
from airflow.sdk.exceptions import AirflowFailException


class DatedRun(Protocol):
    """What is needed of Airflow's DAG run."""

    partition_key: str | None
    logical_date: Any


def as_of(params: Mapping[str, Any], dag_run: DatedRun, *, timezone: str = "UTC") -> str:
    """The business date of a run: what its form says, else its partition key, else the local day of its logical date.

    Returns:
        YYYY-MM-DD; `timezone` decides which day a logical date falls on.

    Raises:
        AirflowFailException: form and partition key contradict each other, or the run has none of the three.
    """
    given, key = params.get("as_of"), dag_run.partition_key
    if given and key and given != key:
        raise AirflowFailException(f"as_of {given} contradicts the run's partition key {key}: give only one of them")
    if given or key:
        return str(given or key)
    if dag_run.logical_date is None:
        raise AirflowFailException("this run has no business date: fill in as_of in the form, or give a partition key")
    return str(pendulum.instance(dag_run.logical_date).in_timezone(timezone).to_date_string())
