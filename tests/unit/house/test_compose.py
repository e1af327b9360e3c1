"""The stack in containers is the embedded stack: same variables, sizes and versions, pinned, watched, on loopback."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from arrears.contracts.errors import BadConfiguration
from deploy import healthcheck, init_s3, write_env
from include.settings import Settings
from local.credentials import Credentials
from local.environment import ADMIN, Toolchain, stack_environment
from local.stack.prerequisites import MLFLOW_AUTH
from local.stack.services import WORKER_CORES, WORKER_MEMORY
from local.stack_settings import Ports, StackSettings
from local.tools import versitygw

REPOSITORY = Path(__file__).resolve().parents[3]
COMPOSE = REPOSITORY / "docker-compose.yaml"
DOCKERFILES = sorted((REPOSITORY / "deploy").glob("*.Dockerfile"))
BASE = "python:3.11-slim-bookworm"

# What only a machine has that runs everything beside each other: the images' own ENV lines say it there.
EMBEDDED_ONLY = {
    "ARREARS_STATE", "ARREARS_PACKAGE", "ARREARS_SOURCE_DIGEST", "ARREARS_GIT_COMMIT", "ARREARS_SPARK_JARS",
    "PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "JAVA_HOME", "LC_ALL", "NO_PROXY", "no_proxy", "PYSPARK_PYTHON",
    "SPARK_HOME", "SPARK_LOCAL_IP", "SPARK_PUBLIC_DNS", "SPARK_LOCAL_DIRS",
}  # fmt: skip
# Options whose value is a path, an address or a secret, and so differs between the two stacks.
PLACED = re.compile(r"FOLDER|URL|HOST$|PORT$|KEY|SECRET|CONN|FILE$")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


@pytest.fixture(scope="module")
def embedded() -> dict[str, str]:
    here = Path("/srv")
    settings = StackSettings(here, here, here, Ports())
    toolchain = Toolchain(here / "bin/python", here, here, "/bin", (), here, "", "")
    return stack_environment(settings, Credentials.generate(), toolchain)


def is_init_job(service: dict[str, Any]) -> bool:
    return str(service["restart"]) == "no"


def stages(dockerfile: Path) -> list[re.Match[str]]:
    return list(re.finditer(r"^FROM (\S+)(?: AS (\S+))?$", dockerfile.read_text(), re.MULTILINE))


def default_of(argument: str, dockerfile: str) -> str:
    found = re.search(rf"^ARG {argument}=(.+)$", (REPOSITORY / "deploy" / dockerfile).read_text(), re.MULTILINE)
    return found.group(1) if found else ""


def test_the_stack_has_every_part_of_the_issue(services: dict[str, Any]) -> None:
    airflow = {f"airflow-{part}" for part in ("init", "api-server", "scheduler", "dag-processor", "triggerer")}
    spark = {"spark-master", "spark-worker-1", "spark-worker-2"}
    assert set(services) == {"postgres", "s3", "s3-init", "mlflow", "mailpit"} | airflow | spark


def test_every_image_names_its_version(services: dict[str, Any]) -> None:
    loose = [name for name, service in services.items() if not re.search(r":v?\d+\.\d+", service["image"])]
    assert loose == []


def test_images_of_other_people_are_postgres_and_mailpit_alone(services: dict[str, Any]) -> None:
    images = {service["image"].split(":")[0] for service in services.values()}
    assert images == {"arrears", "arrears-versitygw", "postgres", "axllent/mailpit"}


def test_our_images_carry_the_versions_of_what_is_in_them(services: dict[str, Any]) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    ours = {service["image"] for service in services.values() if service["image"].startswith("arrears")}
    assert ours == {f"arrears:{project['version']}", f"arrears-versitygw:{versitygw.VERSION.removeprefix('v')}"}


def test_each_of_our_images_is_built_by_one_service(services: dict[str, Any]) -> None:
    built = [(service["image"], service["build"]["dockerfile"]) for service in services.values() if "build" in service]
    assert sorted(built) == [
        ("arrears-versitygw:1.8.0", "deploy/versitygw.Dockerfile"),
        ("arrears:0.1.0", "deploy/arrears.Dockerfile"),
    ]


def test_every_service_but_the_init_jobs_tells_its_health(services: dict[str, Any]) -> None:
    silent = [name for name, service in services.items() if not service.get("healthcheck", {}).get("test")]
    assert silent == [name for name, service in services.items() if is_init_job(service)] == ["s3-init", "airflow-init"]


def test_every_port_is_published_on_loopback_alone(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_ports_are_set_by_the_variables_of_the_embedded_stack(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", ())]
    asked = dict(re.findall(r"\$\{(\w+):-(\d+)\}", " ".join(published)))
    ours = {Ports.variable(name): str(port) for name, port in dataclasses.asdict(Ports()).items()}
    assert asked.items() <= ours.items()
    assert set(ours) - set(asked) == {"ARREARS_PORT_SPARK_MASTER", "ARREARS_PORT_SMTP"}  # only containers call these


def test_who_waits_for_a_service_waits_for_its_health_or_its_end(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for needed, wait in service.get("depends_on", {}).items():
            done = "service_completed_successfully" if is_init_job(services[needed]) else "service_healthy"
            assert wait == {"condition": done}, f"{name} waits for {needed}"


def test_airflow_has_every_variable_of_the_embedded_stack(services: dict[str, Any], embedded: dict[str, str]) -> None:
    parts = {name: service for name, service in services.items() if name.startswith("airflow-")}
    for name, service in parts.items():
        missing = set(embedded) - set(service["environment"]) - EMBEDDED_ONLY
        assert missing == set(), name


def test_airflow_options_have_the_embedded_values(services: dict[str, Any], embedded: dict[str, str]) -> None:
    options = {k: v for k, v in embedded.items() if k.startswith("AIRFLOW__") and not PLACED.search(k)}
    given = services["airflow-scheduler"]["environment"]
    assert len(options) > 8
    assert {name: given[name] for name in options} == options


def test_mlflow_asks_for_passwords_as_in_the_embedded_stack() -> None:
    contained = (REPOSITORY / "deploy/mlflow-auth.ini").read_text()
    assert contained == MLFLOW_AUTH.format(folder="/var/lib/mlflow", admin=ADMIN)


def test_every_setting_is_handed_on_to_every_part_of_airflow_or_fixed_in_the_image(services: dict[str, Any]) -> None:
    known = {field.metadata["variable"] for field in dataclasses.fields(Settings)}
    in_the_image = {"ARREARS_PACKAGE", "ARREARS_SPARK_JARS"}
    for part in (name for name in services if name.startswith("airflow-")):
        environ = services[part]["environment"]
        ours = {name for name in environ if name.startswith("ARREARS_")} - {"ARREARS_AIRFLOW_PASSWORD"}
        assert ours == known - in_the_image, part
        handed_on = known - in_the_image - {"ARREARS_ROOT"}
        assert {name: environ[name] for name in handed_on} == {name: f"${{{name}:-}}" for name in handed_on}


def test_settings_of_the_containers_are_valid_where_nothing_is_set(services: dict[str, Any]) -> None:
    given = services["airflow-scheduler"]["environment"]
    unset = {name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", str(value)) for name, value in given.items()}
    settings = Settings.from_env(unset)
    assert (settings.root, settings.dataset, settings.s3_endpoint) == (
        "s3://arrears",
        "lending_club",
        "http://s3:7070",
    )


def test_workers_have_the_embedded_size(services: dict[str, Any]) -> None:
    for number in (1, 2):
        command = services[f"spark-worker-{number}"]["command"]
        sizes = (command[command.index("-c") + 1], command[command.index("-m") + 1])
        assert sizes == (str(WORKER_CORES), WORKER_MEMORY)


def test_mlflow_lets_in_who_calls_it_by_its_container_name(services: dict[str, Any]) -> None:
    called = services["airflow-scheduler"]["environment"]["MLFLOW_TRACKING_URI"]
    assert called == "http://mlflow:5500"
    assert "mlflow:*" in services["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")


def test_the_spark_master_gets_no_secret(services: dict[str, Any]) -> None:
    assert not re.search(r"\$\{ARREARS_\w*(KEY|SECRET|PASSWORD)", str(services["spark-master"]["environment"]))


def test_every_volume_is_named_and_declared(services: dict[str, Any]) -> None:
    mounted = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())}
    assert mounted == set(yaml.safe_load(COMPOSE.read_text())["volumes"])


def test_every_secret_is_asked_for_and_drawn() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    assert asked == set(write_env.drawn_secrets())


def test_no_secret_stands_in_the_example() -> None:
    example = (REPOSITORY / "deploy/env.example").read_text()
    assert all(f"\n{name}=\n" in example for name in write_env.drawn_secrets())


def test_everything_that_is_asked_for_stands_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+):", COMPOSE.read_text()))
    told = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (REPOSITORY / "deploy/env.example").read_text(), re.MULTILINE))
    assert asked == told


def test_secrets_are_drawn_into_a_private_file_that_a_second_call_keeps(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "deploy/env.example", tmp_path)
    write_env.main(tmp_path)
    first = (tmp_path / ".env").read_text()
    write_env.main(tmp_path)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert all(re.search(rf"^{name}=.{{16,}}$", first, re.MULTILINE) for name in write_env.drawn_secrets())
    assert (tmp_path / ".env").read_text() == first


def test_the_drawn_secrets_are_kept_out_of_git_and_of_images() -> None:
    assert ".env" in (REPOSITORY / "deploy/.gitignore").read_text().split()
    assert "**/.env" in (REPOSITORY / ".dockerignore").read_text().split()


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_our_images_start_from_one_base_alone(dockerfile: Path) -> None:
    found = stages(dockerfile)
    assert found
    assert {stage.group(1) for stage in found} == {BASE}
    copied = set(re.findall(r"--from=(\S+)", dockerfile.read_text()))
    assert copied <= {stage.group(2) for stage in found}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_our_images_run_as_an_ordinary_user(dockerfile: Path) -> None:
    last = dockerfile.read_text()[stages(dockerfile)[-1].end() :]
    users = re.findall(r"^USER (\S+)$", last, re.MULTILINE)
    assert len(users) == 1
    assert f"useradd --uid 10001 --create-home {users[0]}" in last


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_what_our_images_copy_is_there(dockerfile: Path) -> None:
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile.read_text(), re.MULTILINE)
    sources = [source for line in copies for source in line.split()]
    assert sources
    assert [source for source in sources if not (REPOSITORY / source).exists()] == []


def test_what_is_copied_before_the_jars_are_fetched_is_enough_to_fetch_them(tmp_path: Path) -> None:
    before, _, _ = (REPOSITORY / "deploy/arrears.Dockerfile").read_text().partition("RUN python -m deploy.fetch_jars")
    for sources, target in re.findall(r"^COPY (?!--from|requirements)(.+) (\S+)$", before, re.MULTILINE):
        for source in sources.split():
            here, there = REPOSITORY / source, tmp_path / target
            if here.is_dir():
                shutil.copytree(here, there)
            else:
                there.mkdir(parents=True, exist_ok=True)
                shutil.copy(here, there)
    # -S: without the environment's arrears.pth, by which it finds the whole repository.
    found = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import deploy.fetch_jars as jars; print(jars.__file__)"
    told = subprocess.run(
        [sys.executable, "-S", "-P", "-c", found], capture_output=True, text=True, check=False, env={}
    )
    assert (told.stderr, told.stdout.strip()) == ("", f"{tmp_path}/deploy/fetch_jars.py")


def test_images_are_built_with_the_versions_of_the_embedded_stack() -> None:
    assert default_of("VERSITYGW_VERSION", "versitygw.Dockerfile") == versitygw.VERSION
    assert default_of("GO_WHEEL", "versitygw.Dockerfile") == versitygw.GO_WHEEL
    makefile = (REPOSITORY / "Makefile").read_text()
    assert re.findall(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE) == [
        default_of("UV_VERSION", "arrears.Dockerfile")
    ]


def test_the_entrypoint_may_be_executed() -> None:
    assert os.access(REPOSITORY / "deploy/entrypoint.sh", os.X_OK)


def test_the_entrypoint_refuses_a_user_without_a_name() -> None:
    script = 'id() { test "$1" = -u && echo 48123; }\n' + (REPOSITORY / "deploy/entrypoint.sh").read_text()
    told = subprocess.run(["sh", "-c", script, "entrypoint", "true"], capture_output=True, text=True, check=False)
    assert told.returncode == 78
    assert "uid 48123 has no name in /etc/passwd" in told.stderr


def test_the_entrypoint_names_every_jar_for_spark_submit(tmp_path: Path) -> None:
    for jar in ("a.jar", "b.jar"):
        (tmp_path / jar).touch()
    script = (REPOSITORY / "deploy/entrypoint.sh").read_text().replace("/opt/arrears/jars", str(tmp_path))
    told = subprocess.run(
        ["sh", "-c", script, "entrypoint", "printenv", "ARREARS_SPARK_JARS"], capture_output=True, text=True, check=True
    )
    assert told.stdout == f"local:{tmp_path}/a.jar,local:{tmp_path}/b.jar\n"


def test_the_lock_has_both_drivers_by_which_airflow_opens_postgresql() -> None:
    lock = (REPOSITORY / "requirements.txt").read_text()
    assert re.findall(r"^(asyncpg|psycopg2-binary)==", lock, re.MULTILINE) == ["asyncpg", "psycopg2-binary"]


def test_a_worker_is_healthy_when_the_master_sees_it_alive_beside_its_dead_predecessor() -> None:
    told = {"workers": [{"host": "w", "state": "ALIVE"}, {"host": "w", "state": "DEAD"}]}
    assert healthcheck.worker_lacks(told, "w") == ""


def test_a_worker_that_the_master_does_not_see_is_not_healthy() -> None:
    told = {"workers": [{"host": "v", "state": "ALIVE"}, {"host": "w", "state": "DEAD"}]}
    assert healthcheck.worker_lacks(told, "w") == "the master sees w as DEAD"
    assert healthcheck.worker_lacks(told, "x") == "the master sees x as absent"


def test_a_part_of_airflow_without_heartbeat_is_not_healthy() -> None:
    told = {"scheduler": {"status": "unhealthy"}, "triggerer": {"status": "healthy"}}
    assert healthcheck.airflow_lacks(told, "scheduler") == "Airflow says that its scheduler is unhealthy"
    assert healthcheck.airflow_lacks(told, "dag_processor") == "Airflow says that its dag_processor is unknown"
    assert healthcheck.airflow_lacks(told, "triggerer") == ""


def test_the_s3_job_names_every_secret_that_is_missing() -> None:
    with pytest.raises(BadConfiguration) as refused:
        init_s3.credentials_of({"ARREARS_S3_KEY": "k", "ARREARS_S3_SECRET": "s"})
    assert refused.value.problems == ("ARREARS_S3_ROOT_KEY is not set", "ARREARS_S3_ROOT_SECRET is not set")


def test_compose_reads_the_file() -> None:
    compose = _compose_client()
    if compose is None:
        pytest.skip("no docker compose here: the file is checked as YAML alone")
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    command = [*compose, "-f", str(COMPOSE), "config", "--quiet"]
    told = subprocess.run(
        command, env={**environ, **write_env.drawn_secrets()}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    bare = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert bare.returncode != 0
    assert "run python3 -m deploy.write_env" in bare.stderr


def _compose_client() -> list[str] | None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        if subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0:
            return command
    return None
