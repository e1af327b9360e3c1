"""Is there a Java that Spark can run on? `python3 -m local.tools.java` answers, `--install` helps where it can.

Reads no third-party package, because it runs with the system's Python before the environment exists.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SUPPORTED = (17, 21)  # what Spark 4.1 is released for: it refuses 11, and newer ones break its reflection
DEBIAN_PACKAGES = ("openjdk-17-jre-headless", "openjdk-21-jre-headless")  # bookworm has the first, trixie the second

INSTALL_HINT = """\
Spark needs Java 17 or 21. {refused}
Install one, then run the same command again:
  Debian, Ubuntu   sudo apt-get install openjdk-17-jre-headless      (newer releases: openjdk-21-jre-headless)
  Fedora           sudo dnf install java-21-openjdk-headless
  macOS            brew install openjdk@17, then
                   export JAVA_HOME="$(brew --prefix openjdk@17)/libexec/openjdk.jdk/Contents/Home"
Where several are installed, point JAVA_HOME at the right one."""


@dataclass(frozen=True)
class Java:
    """One Java installation: its major version and its home folder."""

    version: int
    home: Path


class JavaMissing(Exception):
    """No usable Java was found. The message says what was seen and what to install."""


def find_java(environ: Mapping[str, str]) -> Java:
    """Return the Java that Spark will run on, looked for in JAVA_HOME and then on PATH.

    Raises JavaMissing, whose message lists every candidate that was refused and how to install a good one.
    """
    refused = []
    for origin, executable in _candidates(environ):
        java = _inspect(executable)
        if java is None:
            refused.append(f"{origin} points to {executable}, which is not a working Java.")
        elif java.version not in SUPPORTED:
            refused.append(f"{origin} has Java {java.version} ({java.home}).")
        else:
            return java
    raise JavaMissing(INSTALL_HINT.format(refused=" ".join(refused) or "None was found in JAVA_HOME or on PATH."))


def install_on_debian() -> bool:
    """Install a Java with apt where that is possible without asking: as root on Debian or Ubuntu.

    Returns whether a package was installed.
    """
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    subprocess.run([apt, "update", "-q"], check=False)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for package in DEBIAN_PACKAGES:
        done = subprocess.run(
            [apt, "install", "-y", "-q", "--no-install-recommends", package], env=environ, check=False
        )
        if done.returncode == 0:
            return True
    return False


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    home = environ.get("JAVA_HOME")
    if home:
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    on_path = shutil.which("java", path=environ.get("PATH", os.defpath))
    if on_path:
        yield "PATH", Path(on_path)


def _inspect(executable: Path) -> Java | None:
    try:
        asked = subprocess.run(
            [str(executable), "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", asked.stderr)
    home = re.search(r"java\.home = (.+)", asked.stderr)
    if asked.returncode != 0 or version is None or home is None:
        return None
    return Java(int(version.group(1)), Path(home.group(1).strip()))


def main(argv: list[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Say which Java will be used, or exit 1 with advice where there is none."""
    parser = argparse.ArgumentParser(
        prog="python3 -m local.tools.java", description="Check that Java 17 or 21 is there."
    )
    parser.add_argument("--install", action="store_true", help="as root on Debian or Ubuntu: install one if needed")
    parser.add_argument("--home", action="store_true", help="print the Java home alone, for scripts")
    asked = parser.parse_args(argv)
    environ = os.environ if environ is None else environ
    try:
        try:
            java = find_java(environ)
        except JavaMissing:
            if not (asked.install and install_on_debian()):
                raise
            java = find_java(environ)
    except JavaMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    sys.stdout.write(f"{java.home}\n" if asked.home else f"Java {java.version} at {java.home}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
