"""Makes once what is slow to make: the S3 server, Spark's extra jars, the archive of its classes."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from arrears.contracts.errors import ArrearsError
from local.progress import Progress
from local.stack.prerequisites import inspect_machine
from local.stack_settings import StackSettings
from local.tools.class_archive import ensure_class_archive, with_jars
from local.tools.jars import ensure_jars
from local.tools.versitygw import ensure_versitygw


def main() -> int:
    """Leave the tools ready in ARREARS_TOOLS and return the exit status, which tells who must act."""
    try:
        settings, progress = StackSettings.from_env(os.environ), Progress()
        settings.tools.mkdir(parents=True, exist_ok=True)
        machine = inspect_machine(settings, os.environ)
        spark = {"SPARK_HOME": str(machine.spark_home), "JAVA_HOME": str(machine.java_home), "PATH": machine.path}
        with ThreadPoolExecutor(max_workers=1) as beside:
            server = beside.submit(ensure_versitygw, settings.tools, progress)
            jars = ensure_jars(settings.tools, spark, progress)
            ensure_class_archive(with_jars(machine, jars, settings.tools), spark, progress)
            server.result()
    except ArrearsError as wrong:
        sys.stderr.write("".join(f"{problem}\n" for problem in wrong.problems))
        return wrong.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
