"""Makes Delta commit to S3 by conditional PUT: the one class that neither Delta nor Hadoop brings (ADR 48)."""

from __future__ import annotations

import pkgutil
import tempfile
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration

SETTING = "spark.delta.logStore.s3a.impl"
_CLASS = "arrears.ConditionalLogStore"
_SOURCE = "ConditionalLogStore.java"


def commit_by_conditional_put(spark: SparkSession) -> None:
    """Gives this session's driver the log store; a store that spark-submit named stays.

    To be called before the session first touches a table: Delta keeps a table's store once it has opened it. Executors
    do not need it, since only drivers commit.

    Raises:
        BadConfiguration: the driver takes no class at run time, so that commits would not be safe.
    """
    java: Any = spark
    settings = java._jsc.sc().conf()
    if settings.contains(SETTING):
        return
    loader = java._jvm.java.lang.Thread.currentThread().getContextClassLoader()
    if not hasattr(loader, "addURL"):
        raise BadConfiguration(
            f"this driver takes no class at run time: put {_SOURCE} as a jar on its path and set {SETTING}={_CLASS}"
        )
    with tempfile.TemporaryDirectory() as folder:
        _compile_into(Path(folder), java._jvm, loader)
        loader.addURL(java._jvm.java.io.File(folder).toURI().toURL())
        java._jvm.java.lang.Class.forName(_CLASS, True, loader)
    settings.set(SETTING, _CLASS)


def _compile_into(folder: Path, jvm: Any, loader: Any) -> None:
    compiler = jvm.org.codehaus.janino.SimpleCompiler()  # Spark's own compiler of its generated code
    compiler.setParentClassLoader(loader)
    compiler.cook((pkgutil.get_data(__package__, _SOURCE) or b"").decode())
    classes = compiler.getBytecodes()
    for name in classes:
        file = folder / (name.replace(".", "/") + ".class")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(classes[name]))
