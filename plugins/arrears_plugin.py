"""Registers what Arrears adds to Airflow's pages. Airflow runs every file of this folder: no library code here."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class ArrearsPlugin(AirflowPlugin):
    """Names Arrears on Airflow's plugins page. Links and views are added here as they come."""

    name = "arrears"
