"""Makes Delta commit to S3 by conditional PUT: the one class that neither Delta nor Hadoop brings (ADR 48)."""

from __future__ import annotations

import pkgutil
import zipfile
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration

SETTING = "spark.delta.logStore.s3a.impl"
_CLASS = "arrears.ConditionalLogStore"
_SOURCE = "ConditionalLogStore.java"


def commit_by_conditional_put(spark: SparkSession) -> None:
    """Gives this session the log store. A store that spark-submit named stays.

    To be called before the session first touches a table: Delta keeps a table's store once it has opened it.

    Raises:
        BadConfiguration: the driver takes no class at run time, so that commits would not be safe.
    """
    java: Any = spark
    settings = java._jsc.sc().conf()
    if settings.contains(SETTING):
        return
    loader = java._jvm.java.lang.Thread.currentThread().getContextClassLoader()
    jar = Path(java.sparkContext._temp_dir) / "conditional-log-store.jar"  # removed when the session ends
    _compile_into(jar, java._jvm, loader)
    try:
        loader.addURL(java._jvm.java.io.File(str(jar)).toURI().toURL())
    except Py4JError:
        raise BadConfiguration(
            f"this driver takes no class at run time: put {_SOURCE} as a jar on its path and set {SETTING}={_CLASS}"
        ) from None
    java._jsc.addJar(str(jar))  # executors list files through it while they remove what nobody needs
    settings.set(SETTING, _CLASS)


def _compile_into(jar: Path, jvm: Any, loader: Any) -> None:
    compiler = jvm.org.codehaus.janino.SimpleCompiler()  # Spark's own compiler of its generated code
    compiler.setParentClassLoader(loader)
    compiler.cook((pkgutil.get_data(__package__, _SOURCE) or b"").decode())
    classes = compiler.getBytecodes()
    with zipfile.ZipFile(jar, "w") as archive:
        for name in classes:
            archive.writestr(name.replace(".", "/") + ".class", bytes(classes[name]))
