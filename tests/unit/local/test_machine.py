"""What would stop the set-up after minutes is said in its first second."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from arrears.contracts.errors import BadConfiguration
from local.environment import without_proxy
from local.stack_settings import StackSettings
from local.tools import machine
from local.tools.maven import maven_environment, proxy_options

REPOSITORY = Path(__file__).resolve().parents[3]


def the_settings(folder: Path, **environ: str) -> StackSettings:
    return StackSettings.from_env({"ARREARS_STATE": str(folder / "state"), **environ}, repository=folder)


def test_a_machine_that_has_all_is_told_nothing(tmp_path: Path) -> None:
    assert machine.problems(the_settings(tmp_path), starts_stack=False) == []


def test_all_that_is_missing_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage(9, 9, machine.GIGABYTE // 2))

    def nobody(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.setattr(machine.pwd, "getpwuid", nobody)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = machine.problems(the_settings(tmp_path, ARREARS_PORT_SMTP=str(port)), starts_stack=True)
    assert f"uid {os.getuid()} has no name in /etc/passwd" in found[0]
    assert "0.5 GB free, and 5 GB are needed: free some, or clone it to another disk" in found[1]
    assert "0.5 GB free, and 1 GB are needed: free some, or set ARREARS_STATE" in found[2]
    assert "set TMPDIR" in found[3]
    assert any(told.startswith(f"port {port} (smtp) is taken, and not by the stack of this checkout") for told in found)


def test_less_room_is_needed_where_all_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage(9, 9, 2 * machine.GIGABYTE))
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/.installed").touch()
    assert machine.problems(the_settings(tmp_path), starts_stack=True) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "is not writable" in machine.problems(the_settings(tmp_path), starts_stack=False)[0]


def test_the_check_needs_no_package(tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-m", "local.tools.machine"]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize(("home", "kept"), [("/nonexistent", False), (None, True)])
def test_what_tools_keep_at_home_lies_in_the_checkout_where_there_is_no_home(
    tmp_path: Path, home: str | None, kept: bool
) -> None:
    (tmp_path / "Makefile").write_text((REPOSITORY / "Makefile").read_text() + "\nwhere:\n\t@sh -c 'echo \"$$HOME\"'\n")
    environ = {"PATH": os.environ["PATH"], "HOME": home or str(tmp_path)}
    told = subprocess.run(
        ["make", "--no-print-directory", "where"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == (str(tmp_path) if kept else f"{tmp_path}/.arrears/home")
    assert Path(told.stdout.strip()).is_dir()


def test_java_learns_of_the_proxy_that_others_read_from_the_environment() -> None:
    environ = {
        "HTTPS_PROXY": "http://proxy.corp:3128",
        "http_proxy": "proxy.corp",
        "NO_PROXY": ".corp.example, s3.corp",
    }
    assert proxy_options(environ).split() == [
        "-Dhttp.proxyHost=proxy.corp",
        "-Dhttp.proxyPort=80",
        "-Dhttps.proxyHost=proxy.corp",
        "-Dhttps.proxyPort=3128",
        "-Dhttp.nonProxyHosts=localhost|127.*|*.corp.example|s3.corp",
        "-Dsocks.nonProxyHosts=localhost|127.*|*.corp.example|s3.corp",
    ]
    socks = proxy_options({"HTTPS_PROXY": "socks5h://proxy.corp:9050", "HTTP_PROXY": "socks5h://proxy.corp:9050"})
    assert socks.startswith("-DsocksProxyHost=proxy.corp -DsocksProxyPort=9050 -Dhttp.nonProxyHosts=")
    assert proxy_options({}) == proxy_options({"NO_PROXY": "x"}) == ""
    assert proxy_options(environ | {"JAVA_TOOL_OPTIONS": "-Dhttps.proxyHost=own"}) == ""


def test_a_mirror_of_maven_is_one_variable() -> None:
    mirror = {"ARREARS_MAVEN_MIRROR": "https://mirror.example/maven2"}
    assert maven_environment(mirror) == {"DEFAULT_ARTIFACT_REPOSITORY": "https://mirror.example/maven2/"}
    assert maven_environment({}) == {}
    with pytest.raises(BadConfiguration, match="ARREARS_MAVEN_MIRROR must be the address of a Maven repository"):
        maven_environment({"ARREARS_MAVEN_MIRROR": "mirror.example"})


def test_hosts_that_a_person_asks_without_a_proxy_stay_so() -> None:
    assert without_proxy({"NO_PROXY": ".corp.example,localhost"})["no_proxy"] == "127.0.0.1,localhost,.corp.example"
    assert without_proxy({})["NO_PROXY"] == "127.0.0.1,localhost"
