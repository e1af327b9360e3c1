"""Spark as its own scripts find it, without the copy of PySpark that they would put before the environment's.

Spark names ``$SPARK_HOME/python/lib/pyspark.zip`` first in the path of every driver and every worker. It holds sources
alone, so each of these processes would compile PySpark again: half a second, and more in the driver.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

_LINKED = ("bin", "sbin", "jars", "conf")


def ensure_spark_home(pyspark: Path, tools: Path) -> Path:
    """Return a folder to be SPARK_HOME: links to all of PySpark's package that is not Python.

    Args:
        pyspark: the package in the environment of drivers and workers, which import it from there.
        tools: where the folder is kept, named after the package's own.
    """
    home = tools / f"spark-{hashlib.sha256(str(pyspark).encode()).hexdigest()[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    for name in _LINKED:
        if (pyspark / name).exists():
            with contextlib.suppress(FileExistsError):
                (home / name).symlink_to(pyspark / name, target_is_directory=True)
    return home
