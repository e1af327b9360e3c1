"""Spark's extra jars (Delta, S3A): fetched once from Maven, then handed to every job as local files.

A job that resolves `--packages` itself needs nine seconds more at each start.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.packages import EXCLUDED, coordinates
from local.environment import QUICK_START
from local.file_lock import file_lock
from local.progress import Progress
from local.tools.maven import MIRROR, maven_environment, proxy_options

MANIFEST = "manifest.json"
LAST_LINES = 8


def ensure_jars(tools: Path, environment: Mapping[str, str], progress: Progress) -> tuple[Path, ...]:
    """Return the jar files, fetching them first unless all that were recorded are there in their full size.

    `environment` is what spark-submit runs in (SPARK_HOME, JAVA_HOME, PATH). Raises BadConfiguration with
    the last lines of the resolution where Maven's repository cannot be reached.
    """
    packages, folder = coordinates(), tools / "jars"
    with file_lock(tools / "jars.lock", lambda: progress.say("waiting for another process that fetches Spark's jars")):
        jars = recorded_jars(folder, packages)
        if not jars:
            progress.say("fetching Spark's jars for Delta and S3 (once)")
            _fetch(packages, folder, environment, tools / "jars.log")
            jars = recorded_jars(folder, packages)
            progress.say(f"fetched {len(jars)} jars, {sum(jar.stat().st_size for jar in jars) / 1e6:.0f} MB")
    return jars


def recorded_jars(folder: Path, packages: tuple[str, ...]) -> tuple[Path, ...]:
    """List the jars fetched for these packages. Empty where one is missing or has not its recorded size."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        if manifest["packages"] != list(packages) or manifest["excluded"] != list(EXCLUDED):
            return ()
        sizes = manifest["sizes"]
        intact = all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError):
        return ()
    return tuple(folder / name for name in sorted(sizes)) if intact else ()


def _fetch(packages: tuple[str, ...], folder: Path, environment: Mapping[str, str], log: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="ivy-", dir=folder.parent) as scratch:
        nothing = Path(scratch) / "nothing.py"
        nothing.write_text("")
        command = [
            str(Path(environment["SPARK_HOME"]) / "bin" / "spark-submit"),
            "--master", "local[1]",
            "--driver-java-options", " ".join(filter(None, (QUICK_START, proxy_options(os.environ)))),
            "--packages", ",".join(packages),
            "--exclude-packages", ",".join(EXCLUDED),
            "--conf", f"spark.jars.ivy={scratch}",
            str(nothing),
        ]  # fmt: skip
        with log.open("w") as output:
            environ = {**os.environ, **environment, **maven_environment(os.environ)}
            done = subprocess.run(command, env=environ, stdout=output, stderr=output, check=False)
        fetched = sorted((Path(scratch) / "jars").glob("*.jar"))
        if done.returncode != 0 or not fetched:
            tail = " | ".join(_told(log.read_text(errors="replace"))[-LAST_LINES:])
            raise BadConfiguration(
                f"Spark's jars could not be fetched: {tail}",
                f"Maven Central must be reached, by HTTPS_PROXY where there is a proxy, or the mirror that {MIRROR}"
                f" names (the whole log is {log}); then run the command again",
            )
        _record(fetched, packages, folder)


def _told(output: str) -> list[str]:
    """The lines that say something: Java ends with where in its code it was."""
    lines = (line.strip() for line in output.splitlines())
    return [line for line in lines if line and not line.startswith("at ")]


def _record(fetched: list[Path], packages: tuple[str, ...], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for jar in fetched:
        jar.replace(folder / jar.name)
    sizes = {jar.name: (folder / jar.name).stat().st_size for jar in fetched}
    manifest = {"packages": packages, "excluded": EXCLUDED, "sizes": sizes}
    # Written last: a folder without it counts as not fetched.
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
