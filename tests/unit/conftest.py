"""Unit tests: no Spark, no servers. Some import Airflow's SDK."""

from __future__ import annotations

from tests.airflow_home import use_fresh_airflow_home

use_fresh_airflow_home()
