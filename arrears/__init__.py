"""Arrears: how likely is a default? The core that Airflow and the Spark jobs share."""

from __future__ import annotations

__version__ = "0.1.0"
