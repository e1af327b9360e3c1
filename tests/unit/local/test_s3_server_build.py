"""The build of the S3 server: once for its sources, and with the builder's own words where it fails."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from arrears.contracts.errors import BadConfiguration
from local.progress import Progress
from local.tools import versitygw

REPOSITORY = Path(__file__).resolve().parents[3]
BUILDS = 'while [ "$1" != -o ]; do shift; done; pwd >"$2"; chmod +x "$2"'


def a_go(folder: Path, build: str) -> str:
    """A Go toolchain that is new enough, and whose build is a script; returns a search path that starts with it."""
    go = folder / "go"
    folder.mkdir(exist_ok=True)
    go.write_text(f'#!/bin/sh\nif [ "$1" = env ]; then echo go1.26.6; exit; fi\n{build}\n')
    go.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_server_is_built_from_our_sources_and_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", a_go(tmp_path / "bin", BUILDS))
    built = versitygw.ensure_versitygw(tmp_path, Progress())
    assert built.read_text() == f"{versitygw.SOURCES}\n"
    a_go(tmp_path / "bin", "exit 1")
    assert versitygw.ensure_versitygw(tmp_path, Progress()) == built


def test_failed_build_tells_the_end_of_its_log_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", a_go(tmp_path / "bin", "echo first; seq 20; echo no such host; exit 1"))
    with pytest.raises(BadConfiguration) as failed:
        versitygw.ensure_versitygw(tmp_path / "tools", Progress())
    told = str(failed.value)
    assert "no such host" in told
    assert "first" not in told
    assert "Go module proxy" in told
    assert {file.name for file in (tmp_path / "tools").iterdir()} == {"versitygw.lock", "versitygw-build.log"}


def test_changed_sources_have_another_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = versitygw.binary(tmp_path)
    for name in ("main.go", "go.mod", "go.sum"):
        (tmp_path / name).write_text("another")
    monkeypatch.setattr(versitygw, "SOURCES", tmp_path)
    assert versitygw.binary(tmp_path) != before


def test_version_is_the_one_that_go_is_told_to_fetch() -> None:
    module = (versitygw.SOURCES / "go.mod").read_text()
    assert re.findall(r"github\.com/versity/versitygw (\S+)$", module, re.MULTILINE) == [versitygw.VERSION]
    assert re.findall(r"^go (\d+)\.(\d+)", module, re.MULTILINE) == [tuple(map(str, versitygw.OLDEST_GO))]


def test_build_needs_no_package_because_it_begins_before_the_environment_is_there(tmp_path: Path) -> None:
    environ = {"PATH": a_go(tmp_path / "bin", BUILDS), "ARREARS_TOOLS": str(tmp_path / "tools")}
    bare = [sys.executable, "-I", "-S", "-c"]
    program = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from local.tools.versitygw import main; main()"
    subprocess.run([*bare, program], env=environ, check=True)
    assert versitygw.binary(tmp_path / "tools").exists()


def test_build_that_began_early_ends_with_the_status_of_who_must_act(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setenv("ARREARS_TOOLS", str(tmp_path / "tools"))
    monkeypatch.setenv("PATH", a_go(tmp_path / "bin", "exit 1"))
    assert versitygw.main() == BadConfiguration.exit_code
    assert "could not be built" in capsys.readouterr().err


def test_ctrl_c_ends_a_build_that_began_early_and_leaves_no_half_of_it(tmp_path: Path) -> None:
    tools, begun = tmp_path / "tools", tmp_path / "begun"
    path = a_go(tmp_path / "bin", f"touch {begun}; exec sleep 60")
    environ = {**os.environ, "PATH": path, "ARREARS_TOOLS": str(tools)}
    script = f'"{sys.executable}" -m local.tools.versitygw & echo $!; wait $!; echo $?'
    shell = subprocess.Popen(
        ["/bin/sh", "-c", script],
        cwd=REPOSITORY,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert shell.stdout is not None
    build = int(shell.stdout.readline())
    deadline = time.monotonic() + 30
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(build, signal.SIGINT)
    assert shell.communicate(timeout=30)[0].splitlines()[-1] == "130"
    assert {file.name for file in tools.iterdir()} == {"versitygw.lock", "versitygw-build.log"}
