"""Makes once what is slow to make: the S3 server, Spark's extra jars, the archive of its classes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from arrears.contracts.errors import ArrearsError
from local.progress import Progress
from local.stack.prerequisites import inspect_machine
from local.stack_settings import StackSettings
from local.tools.class_archive import GIVE_WAY, ensure_class_archive, with_jars
from local.tools.jars import ensure_jars
from local.tools.versitygw import ensure_versitygw


def main(argv: Sequence[str] | None = None) -> int:
    """Leave the tools ready in ARREARS_TOOLS and return the exit status, which tells who must act."""
    if _parser().parse_args(argv).give_way:
        give_way()
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


def give_way() -> None:
    """Lets everything else on this machine go first, in this process and those that it will start.

    Where Linux shares the processor among sessions, niceness counts only within one, and the session has its own.
    """
    os.nice(19)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.tools", description=__doc__)
    parser.add_argument(GIVE_WAY, action="store_true", help="take only what others leave of the processor")
    return parser


if __name__ == "__main__":
    sys.exit(main())
