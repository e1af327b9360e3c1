"""How long `make demo` takes: on a clean clone with every download, and again where everything is there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import fields
from pathlib import Path

from bench.results import Measurement
from local.stack_settings import Ports

REPOSITORY = Path(__file__).resolve().parent.parent
GIT, MAKE = shutil.which("git") or "git", shutil.which("make") or "make"
COLD_MINUTES, WARM_MINUTES = 12.0, 4.0  # the targets of the demo, on two cores


def demo_cold() -> Measurement:
    """Minutes from `git clone` to the last mail, with empty caches, on ports of its own. The clone is deleted."""
    with tempfile.TemporaryDirectory(prefix="arrears-cold-") as folder:
        clone, environ = Path(folder) / "clone", _clean_machine(Path(folder))
        began = time.monotonic()
        subprocess.run([GIT, "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
        try:
            _make("demo", folder=clone, environ=environ)
            minutes = (time.monotonic() - began) / 60
        finally:
            _make("down", folder=clone, environ=environ)
    return Measurement("demo-cold", minutes, COLD_MINUTES, "lower", "min")


def demo_warm() -> Measurement:
    """Minutes of a repeated `make demo`. Beside it, those of running all four DAGs again on the running stack."""
    _make("demo", folder=REPOSITORY, environ=dict(os.environ))
    repeated = _minutes_of("demo")
    forced = _minutes_of("demo", "FORCE=1")
    return Measurement("demo-warm", repeated, WARM_MINUTES, "lower", "min", {"all DAGs again": f"{forced:.2f} min"})


def _minutes_of(*targets: str) -> float:
    began = time.monotonic()
    _make(*targets, folder=REPOSITORY, environ=dict(os.environ))
    return (time.monotonic() - began) / 60


def _make(*targets: str, folder: Path, environ: dict[str, str]) -> None:
    subprocess.run([MAKE, *targets], cwd=folder, env=environ, check=True)


def _clean_machine(folder: Path) -> dict[str, str]:
    """The environment with caches that are empty, a state of its own, and ports that nobody uses."""
    own = {"ARREARS_STATE", "ARREARS_TOOLS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    environ = {name: value for name, value in os.environ.items() if name not in own}
    caches = {"UV_CACHE_DIR": "uv", "XDG_CACHE_HOME": "cache", "GOPATH": "go", "GOCACHE": "go-build"}
    environ |= {name: str(folder / place) for name, place in caches.items()}
    environ |= {"PIP_NO_CACHE_DIR": "1", "GOFLAGS": "-modcacherw"}
    return environ | free_ports()


def free_ports() -> dict[str, str]:
    """A port that nobody uses for every part of the stack, as the variables that set them."""
    names = [field.name for field in fields(Ports)]
    sockets = [socket.socket() for _ in names]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return {Ports.variable(name): str(s.getsockname()[1]) for name, s in zip(names, sockets, strict=True)}
    finally:
        for each in sockets:
            each.close()
