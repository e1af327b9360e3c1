"""Addresses of Airflow's own pages, as people reach them."""

from __future__ import annotations

from urllib.parse import quote

from airflow.sdk.configuration import conf


def airflow_url() -> str:
    """Where Airflow's pages begin, without a closing slash."""
    return str(conf.get("api", "base_url", fallback="http://localhost:8080")).rstrip("/")


def page_of_run(dag_id: str, run_id: str) -> str:
    """The page of one run."""
    return f"{airflow_url()}/dags/{dag_id}/runs/{quote(run_id, safe='')}"
