"""Show the end of the services' logs, and follow them while they grow."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from arrears.contracts.errors import BadConfiguration
from local.stack.services import SERVICE_NAMES
from local.stack.status import duration, table
from local.stack_settings import StackSettings

OTHER_LOGS = ("supervisor", "airflow-database")
POLL = 0.5
WIDEST = 100
TAIL_BYTES = 16_384


def log_files(settings: StackSettings, service: str | None) -> list[Path]:
    """Return the log of one service, or of all that have written one. Raises BadConfiguration for an unknown name."""
    all_names = (*SERVICE_NAMES, *OTHER_LOGS)
    if service is not None and service not in all_names:
        raise BadConfiguration(f"there is no part {service!r}; there are: {', '.join(all_names)}")
    names = all_names if service is None else (service,)
    files = [settings.logs / f"{name}.log" for name in names]
    return [file for file in files if file.exists()]


def overview(settings: StackSettings) -> str:
    """The newest line of each log, and how to see more of one."""
    now = time.time()
    rows = [
        (file.stem, f"{duration(now - file.stat().st_mtime)} ago", _newest_line(file)[:WIDEST])
        for file in log_files(settings, None)
    ]
    if not rows:
        return "no part has written a log yet: make up\n"
    return table(("part", "written", "newest line"), rows) + "\nmore of one: make logs PART=name, FOLLOW=1 goes on\n"


def _newest_line(file: Path) -> str:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - TAIL_BYTES))
        lines = opened.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def show(files: Sequence[Path], lines: int, *, follow: bool) -> None:
    """Print the last lines of each file. With `follow`, go on printing new ones until interrupted."""
    read_to: dict[Path, int] = {}
    for file in files:
        content = file.read_bytes()
        read_to[file] = len(content)
        _print(file, content.splitlines()[-lines:], titled=len(files) > 1)
    while follow:
        time.sleep(POLL)
        for file in files:
            read_to[file] = _print_new(file, read_to[file], titled=len(files) > 1)


def _print_new(file: Path, begin: int, *, titled: bool) -> int:
    size = file.stat().st_size if file.exists() else 0
    begin = 0 if size < begin else begin  # the supervisor has begun a new file
    if size == begin:
        return begin
    with file.open("rb") as opened:
        opened.seek(begin)
        content = opened.read()
    _print(file, content.splitlines(), titled=titled)
    return begin + len(content)


def _print(file: Path, lines: Sequence[bytes], *, titled: bool) -> None:
    title = f"{file.stem}: " if titled else ""
    for line in lines:
        sys.stdout.write(f"{title}{line.decode(errors='replace')}\n")
    sys.stdout.flush()
