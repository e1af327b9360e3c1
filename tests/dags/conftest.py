"""The DAGs, parsed once for each transport."""

from __future__ import annotations

from typing import Any

import pytest

from tests.airflow_home import use_fresh_airflow_home
from tests.dags.rendering import ENVIRONMENT, parsed

use_fresh_airflow_home()


@pytest.fixture(scope="session")
def dags() -> dict[str, Any]:
    return parsed(ENVIRONMENT)


@pytest.fixture(scope="session")
def dags_over_ssh() -> dict[str, Any]:
    return parsed(ENVIRONMENT | {"ARREARS_TRANSPORT": "ssh"})
