"""An archive of the classes that jobs load, parsed and verified once: a short job's JVMs spend a quarter less with it.

Java calls it application class-data sharing (JEP 310, JEP 350). Java itself ignores an archive that is missing, damaged
or made from other jars, so nothing here can change what a job does.

See docs/adr/0037.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local.environment import QUICK_START, Toolchain, class_path
from local.file_lock import file_lock
from local.progress import Progress
from local.stack_settings import REPOSITORY

LONGEST = 600  # seconds: it takes some fifty of processor time, and longer where it gives way to jobs
GIVE_WAY = "--give-way"
_NAME = "classes-{}.jsa"


def with_jars(toolchain: Toolchain, jars: tuple[Path, ...], tools: Path) -> Toolchain:
    """The toolchain with its jars, and the archive's address for this Java, this Spark and these jars."""
    spark = sorted((toolchain.spark_home / "jars").glob("*.jar"))
    stamps = [(str(file), *_stamp(file)) for file in (toolchain.java_home / "lib/server/libjvm.so", *spark, *jars)]
    digest = hashlib.sha256(repr((QUICK_START, stamps)).encode()).hexdigest()
    return dataclasses.replace(toolchain, jars=jars, class_archive=tools / _NAME.format(digest[:12]))


def begin_class_archive(
    toolchain: Toolchain, environment: Mapping[str, str], progress: Progress
) -> subprocess.Popen[bytes] | None:
    """Lets another process make the archive unless it is there, and does not wait for it: jobs run without it too.

    That process has what the jobs leave of the processor. `environment` is what it runs in.
    """
    archive = toolchain.class_archive
    if archive is None or archive.exists():
        return None
    progress.say("archiving the classes of Spark in the background, so that later jobs start sooner (once)")
    command = [str(toolchain.python), "-m", "local.tools", GIVE_WAY]
    with (archive.parent / "tools.log").open("w") as output:
        return subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def ensure_class_archive(toolchain: Toolchain, environment: Mapping[str, str], progress: Progress) -> None:
    """Makes the archive unless it is there, by one job that does what jobs do. Without it all works, but slower.

    `environment` is what spark-submit runs in (SPARK_HOME, JAVA_HOME, PATH).
    """
    archive = toolchain.class_archive
    if archive is None or archive.exists():
        return
    lock = archive.parent / "classes.lock"
    with file_lock(lock, lambda: progress.say("waiting for another process that archives the classes of Spark")):
        if archive.exists():
            return
        progress.say("archiving the classes of Spark, so that jobs start sooner (once)")
        made, log = archive.with_suffix(".part"), archive.parent / "classes.log"
        if not _dumped(made, toolchain, environment, log):
            made.unlink(missing_ok=True)
            progress.say(f"the classes of Spark could not be archived: jobs start later without (see {log})")
            return
        for older in archive.parent.glob(_NAME.format("*")):
            older.unlink()
        made.replace(archive)
        progress.say(f"archived the classes of Spark, {archive.stat().st_size / 1e6:.0f} MB")


def _dumped(made: Path, toolchain: Toolchain, environment: Mapping[str, str], log: Path) -> bool:
    made.unlink(missing_ok=True)
    # Each class that cannot be archived would be a warning.
    options = f"{QUICK_START} -XX:ArchiveClassesAtExit={made} -Xlog:cds=off -Xlog:cds+dynamic=off"
    command = [
        str(toolchain.spark_home / "bin" / "spark-submit"),
        "--master", "local[1]",
        "--driver-class-path", class_path(toolchain.jars),
        "--driver-java-options", options,
        str(Path(__file__).with_name("warm_up_job.py")),
    ]  # fmt: skip
    paths = {"PYSPARK_PYTHON": str(toolchain.python), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with log.open("w") as output:
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **environment, **paths},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                timeout=LONGEST,
            )
        except subprocess.TimeoutExpired:
            output.write(f"took more than {LONGEST} s\n")
            return False
    return done.returncode == 0 and made.exists()


def _stamp(file: Path) -> tuple[int, int]:
    try:
        stat = file.stat()
    except OSError:
        return (0, 0)
    return (stat.st_size, stat.st_mtime_ns)
