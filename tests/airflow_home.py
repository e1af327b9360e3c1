"""A home of its own for Airflow in tests: it reads its home once, when it is first imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile


def use_fresh_airflow_home() -> None:
    """Points Airflow to an empty folder without examples; does nothing where a test run has done so already."""
    if "ARREARS_TEST_AIRFLOW_HOME" in os.environ:
        return
    home = tempfile.mkdtemp(prefix="arrears-airflow-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "ARREARS_"))]:
        if name != "ARREARS_GOLDEN" and not name.startswith("ARREARS_SPARK_JARS"):
            del os.environ[name]
    os.environ |= {
        "ARREARS_TEST_AIRFLOW_HOME": home,
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
