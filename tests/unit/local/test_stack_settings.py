"""The stack's settings and secrets: clear where they are wrong, private where they are kept."""

from __future__ import annotations

import dataclasses
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from arrears.contracts.errors import BadConfiguration
from include.settings import Settings
from local.credentials import Credentials, load_or_generate
from local.environment import Toolchain, inherited, personal, shell_lines, stack_environment
from local.stack.services import Stack
from local.stack.supervisor import supervisor_configuration
from local.stack.taken_ports import refuse_taken_ports
from local.stack_settings import LONGEST_SOCKET_PATH, Ports, StackSettings


def the_settings(folder: Path, **environ: str) -> StackSettings:
    return StackSettings.from_env({"ARREARS_STATE": str(folder / "state"), **environ}, repository=folder / "repository")


def a_stack(folder: Path, **changed: object) -> Stack:
    known = {
        "python": folder / "venv" / "bin" / "python",
        "spark_home": folder / "spark",
        "java_home": folder / "java",
        "path": "/usr/bin",
        "jars": (folder / "a.jar", folder / "b.jar"),
        "package": folder / "arrears.zip",
        "source_digest": "d1",
        "git_commit": "c1",
    }
    settings = the_settings(folder)
    (settings.state / "s3").mkdir(parents=True, exist_ok=True)
    (settings.state / "parts").mkdir(exist_ok=True)
    toolchain = Toolchain(**{**known, **changed})  # type: ignore[arg-type]
    credentials = load_or_generate(settings.state / "secrets.json")
    return Stack(settings, credentials, toolchain, inherited={"HOME": "/home/a"}, personal={})


def test_state_is_kept_beside_the_makefile_when_nothing_is_set(tmp_path: Path) -> None:
    settings = StackSettings.from_env({}, repository=tmp_path)
    assert settings.state == tmp_path / ".arrears"
    assert settings.ports == Ports()


def test_tools_are_shared_when_the_state_is_elsewhere(tmp_path: Path) -> None:
    assert the_settings(tmp_path).tools == tmp_path / "repository" / ".arrears" / "tools"


def test_worker_pages_follow_the_master_page_when_only_it_is_moved() -> None:
    ports = Ports.from_env({"ARREARS_PORT_SPARK_UI": "18090"})
    assert (ports.spark_worker_1, ports.spark_worker_2) == (18091, 18092)


def test_every_wrong_port_is_named_when_several_are_wrong() -> None:
    with pytest.raises(BadConfiguration) as refused:
        Ports.from_env({"ARREARS_PORT_S3": "http", "ARREARS_PORT_MAIL": "70000", "ARREARS_PORT_SMTP": "8080"})
    told = str(refused.value)
    assert all(name in told for name in ("ARREARS_PORT_S3", "ARREARS_PORT_MAIL", "ARREARS_PORT_SMTP"))


def test_socket_path_is_short_enough_when_the_state_path_is_long(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    first, second = the_settings(deep), the_settings(deep / "other")
    assert len(str(first.socket)) <= LONGEST_SOCKET_PATH
    assert first.socket != second.socket


def test_every_taken_port_is_named_with_its_part_and_variable() -> None:
    with socket.socket() as one, socket.socket() as two:
        for taken in (one, two):
            taken.bind(("127.0.0.1", 0))
            taken.listen()
        ports = [taken.getsockname()[1] for taken in (one, two)]
        with pytest.raises(BadConfiguration) as refused:
            refuse_taken_ports({"s3": ("s3", ports[0]), "airflow": ("airflow-api-server", ports[1])})
    first, second = refused.value.problems
    assert f"port {ports[0]}, wanted by s3, is taken" in first
    assert "set ARREARS_PORT_S3" in first
    assert "airflow-api-server" in second
    assert "pid" in second


def test_free_ports_are_accepted() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    refuse_taken_ports({"s3": ("s3", port)})


def test_secrets_are_generated_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = load_or_generate(path)
    assert load_or_generate(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Credentials.generate() != first


def test_secrets_do_not_show_when_they_are_printed() -> None:
    credentials = Credentials.generate()
    assert credentials.s3_secret not in f"{credentials!r} {credentials}"


def test_token_secret_is_long_enough_for_its_signature() -> None:
    assert len(Credentials.generate().airflow_jwt_secret.encode()) >= 64


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"s3_key": 1}'])
def test_broken_secrets_file_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(content)
    with pytest.raises(BadConfiguration):
        load_or_generate(path)
    assert path.read_text() == content


def test_shell_reads_back_every_variable_as_it_was() -> None:
    values = {"PLAIN": "a", "JSON": '{"a": "b c"}', "QUOTE": "it's $HOME `x`", "EMPTY": ""}
    script = shell_lines(values) + "".join(f'printf "%s\\n" "${name}"\n' for name in values)
    read = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert read.splitlines() == list(values.values())


def test_jobs_get_their_own_s3_keys_and_no_part_but_s3_the_root_ones(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)
    root = stack.credentials.s3_root_secret
    assert [service.name for service in stack.services() if root in service.record()] == ["s3"]
    assert stack.environment["AWS_SECRET_ACCESS_KEY"] == stack.credentials.s3_secret


def test_no_secret_is_on_a_command_line_or_in_the_supervisors_configuration(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)
    told = supervisor_configuration(stack.settings, ["s3"], stack.toolchain.python)
    told += " ".join(word for service in stack.services() for word in service.argv)
    secrets = [value for name, value in vars(stack.credentials).items() if not name.endswith("_key")]
    secrets += [stack.credentials.airflow_fernet_key]
    assert [secret for secret in secrets if secret in told] == []


def test_spark_workers_know_s3_and_mlflow_but_neither_airflow_nor_the_repository(tmp_path: Path) -> None:
    worker = next(service for service in a_stack(tmp_path).services() if service.name == "spark-worker-1").environment
    assert {"AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "MLFLOW_TRACKING_PASSWORD"} <= worker.keys()
    assert [name for name in worker if name.startswith("AIRFLOW") or name == "PYTHONPATH"] == []


def test_every_listener_is_on_loopback(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)
    argv = {service.name: service.argv for service in stack.services()}
    assert "127.0.0.1:7070" in argv["s3"]
    assert all("127.0.0.1" in argv[name] for name in ("mlflow", "spark-master", "spark-worker-1", "spark-worker-2"))
    assert stack.environment["AIRFLOW__API__HOST"] == stack.environment["SPARK_LOCAL_IP"] == "127.0.0.1"
    # Airflow's log servers listen on all interfaces and have no setting for it.
    assert all("--skip-serve-logs" in argv[name] for name in ("airflow-scheduler", "airflow-triggerer"))


def test_environment_is_the_same_when_it_is_made_twice(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)
    made = [stack_environment(stack.settings, stack.credentials, stack.toolchain) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0]["ARREARS_SPARK_JARS"] == f"local:{tmp_path}/a.jar,local:{tmp_path}/b.jar"


def test_jobs_read_the_archive_of_classes_with_the_jars_where_it_expects_them(tmp_path: Path) -> None:
    archive = tmp_path / "tools of mine" / "classes-1.jsa"
    conf = dict(Settings.from_env(a_stack(tmp_path, class_archive=archive).environment).spark_conf)
    for process in ("driver", "executor"):
        assert f'"-XX:SharedArchiveFile={archive}"' in conf[f"spark.{process}.extraJavaOptions"]
        assert conf[f"spark.{process}.extraClassPath"] == f"{tmp_path}/a.jar:{tmp_path}/b.jar"


@pytest.mark.parametrize(("cores", "cores_max"), [(1, "2"), (2, "2"), (3, "3"), (4, None), (16, None)])
def test_small_machine_starts_one_executor_for_each_job(tmp_path: Path, cores: int, cores_max: str | None) -> None:
    conf = dict(Settings.from_env(a_stack(tmp_path, cores=cores).environment).spark_conf)
    assert conf.get("spark.cores.max") == cores_max


def test_ones_own_spark_configuration_wins_over_the_stacks(tmp_path: Path) -> None:
    wished = {"ARREARS_SPARK_CONF": "spark.log.level=INFO; spark.ui.enabled=false"}
    stack = dataclasses.replace(a_stack(tmp_path), personal=wished)
    conf = dict(Settings.from_env(stack.environment).spark_conf)
    assert (conf["spark.log.level"], conf["spark.ui.enabled"]) == ("INFO", "false")
    assert "spark.driver.extraJavaOptions" in conf


def test_ones_own_aws_profile_does_not_reach_the_stack() -> None:
    environ = {"AWS_PROFILE": "bank", "SPARK_HOME": "/opt/spark", "AIRFLOW_HOME": "/home/a", "LANG": "C.UTF-8"}
    assert inherited(environ) == {"LANG": "C.UTF-8"}


def test_ones_own_settings_of_the_dags_and_connections_reach_airflow() -> None:
    meant = {"ARREARS_TRANSPORT": "ssh", "AIRFLOW_CONN_ARREARS_SSH": "{}"}
    assert personal({**meant, "ARREARS_PORT_S3": "1", "AIRFLOW__CORE__EXECUTOR": "X", "HOME": "/home/a"}) == meant


def test_part_has_not_changed_when_only_the_search_path_differs(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)
    for service in stack.services():
        service.write_record(stack.settings)
    assert [service.changes(stack.settings) for service in a_stack(tmp_path, path="/other").services()] == [set()] * 10


def test_only_airflow_has_changed_when_the_commit_differs(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)
    for service in stack.services():
        service.write_record(stack.settings)
    changed = {
        service.name: service.changes(stack.settings) for service in a_stack(tmp_path, git_commit="c2").services()
    }
    assert {name: what for name, what in changed.items() if what} == {
        name: {"ARREARS_GIT_COMMIT"} for name in changed if name.startswith("airflow-")
    }


def test_records_of_parts_are_private_because_they_hold_secrets(tmp_path: Path) -> None:
    stack = a_stack(tmp_path)
    service = stack.services()[0]
    service.write_record(stack.settings)
    assert stat.S_IMODE(service.record_path(stack.settings).stat().st_mode) == 0o600
