"""Arrears: how likely is a default? The core that Airflow, Spark jobs and serving share."""

from __future__ import annotations

__version__ = "0.1.0"
