"""Can this machine take Arrears? `python3 -m local.tools.machine` answers before minutes of work, all at once.

Reads no third-party package, because it runs with the system's Python before the environment exists.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from arrears.contracts.errors import EXIT_OK, ArrearsError, BadConfiguration
from local.stack_settings import HOST, Ports, StackSettings

GIGABYTE = 1024**3
# Seen: the environment with its jars 2.4 GB, the tools 0.3 GB, a demo's state 0.5 GB, and what builds need meanwhile.
ROOM_TO_SET_UP, ROOM_TO_RUN, ROOM_TO_BUILD = 5.0, 1.0, 1.0


def problems(settings: StackSettings, *, starts_stack: bool) -> list[str]:
    """Everything that will stop the set-up or the stack, with what to do about it.

    Args:
        starts_stack: the stack's ports must be free too.
    """
    is_set_up = (settings.repository / ".venv" / ".installed").exists()
    found = list(_nameless_user(os.getuid(), pwd.getpwuid))
    if not is_set_up:
        found += _full(settings.repository, ROOM_TO_SET_UP, "clone it to another disk")
    found += _full(settings.state, ROOM_TO_RUN, "set ARREARS_STATE to a folder elsewhere")
    found += _full(Path(tempfile.gettempdir()), 0.1 if is_set_up else ROOM_TO_BUILD, "set TMPDIR to a folder elsewhere")
    # Once psutil is there, `up` itself says who holds a port.
    if starts_stack and not is_set_up and not _answers(settings.socket):
        found += _taken(settings.ports)
    return found


def _nameless_user(uid: int, known: Callable[[int], object]) -> Iterator[str]:
    try:
        known(uid)
    except KeyError:
        yield (
            f"uid {uid} has no name in /etc/passwd, and Hadoop, by which Spark reads files, needs one: add a line"
            f" such as arrears:x:{uid}:{os.getgid()}::/tmp:/bin/sh, or preload nss_wrapper"
        )


def _full(folder: Path, gigabytes: float, otherwise: str) -> Iterator[str]:
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK):
        yield f"{there} is not writable by this user: give it to the user, or {otherwise}"
        return
    free = shutil.disk_usage(there).free / GIGABYTE
    if free < gigabytes:
        yield f"{there} has {free:.1f} GB free, and {gigabytes:g} GB are needed: free some, or {otherwise}"


def _taken(ports: Ports) -> Iterator[str]:
    for field, port in asdict(ports).items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                yield (
                    f"port {port} ({field}) is taken, and not by the stack of this checkout: `make down` in the other"
                    f" checkout, or set {Ports.variable(field)}"
                )


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def main(argv: list[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Say all that is wrong. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python3 -m local.tools.machine", description="Check user, space and ports before anything is installed."
    )
    parser.add_argument("--starts-stack", action="store_true", help="the stack's ports must be free too")
    asked = parser.parse_args(argv)
    try:
        settings = StackSettings.from_env(os.environ if environ is None else environ)
        found = problems(settings, starts_stack=asked.starts_stack)
        if found:
            raise BadConfiguration(*found)
    except ArrearsError as wrong:
        sys.stderr.write("".join(f"{problem}\n" for problem in wrong.problems))
        return wrong.exit_code
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
