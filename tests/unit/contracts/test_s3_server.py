"""S3A, pyarrow and boto3 talk to one server, whatever the environment and spark-submit say."""

from __future__ import annotations

import itertools
import os
from typing import Any
from unittest.mock import patch
from urllib.parse import urlparse

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.s3_server import S3Server
from arrears.stores.objects import Objects
from include.settings import Settings

VALUES = {
    "AWS_ENDPOINT_URL": "http://all:1",
    "AWS_ENDPOINT_URL_S3": "https://s3:2",
    "AWS_REGION": "eu-north-1",
    "AWS_DEFAULT_REGION": "eu-west-3",
}
SUBMITTED = [
    {},
    {"spark.hadoop.fs.s3a.endpoint": "http://submitted:3"},
    {"spark.hadoop.fs.s3a.endpoint": "http://submitted:3", "spark.hadoop.fs.s3a.endpoint.region": "ap-east-1"},
]
ENVIRONMENTS = [
    dict(chosen) for many in range(len(VALUES) + 1) for chosen in itertools.combinations(VALUES.items(), many)
]


def of_boto3(environ: dict[str, str]) -> tuple[str, str]:
    """Where boto3 goes, and to which region."""
    credentials = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CONFIG_FILE": os.devnull}
    with patch.dict(os.environ, {**environ, **credentials}, clear=True):
        client = Objects()._s3
    return client.meta.endpoint_url, client.meta.region_name


def test_a_process_makes_one_client_until_its_environment_is_another() -> None:
    with patch.dict(os.environ, {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1"}):
        client = Objects()._s3
        assert Objects()._s3 is client
        os.environ["AWS_ACCESS_KEY_ID"] = "another"
        assert Objects()._s3._request_signer._credentials.access_key == "another"


def of_s3a(told: dict[str, str]) -> tuple[str, str]:
    return told.get("spark.hadoop.fs.s3a.endpoint", ""), told.get("spark.hadoop.fs.s3a.endpoint.region", "")


def of_pyarrow(told: dict[str, Any]) -> tuple[str, str]:
    place = f"{told['scheme']}://{told['endpoint_override']}" if told["endpoint_override"] else ""
    return place, told["region"] or ""


@pytest.mark.parametrize("submitted", SUBMITTED)
@pytest.mark.parametrize("environ", ENVIRONMENTS, ids=lambda found: "+".join(found) or "none")
def test_three_libraries_on_driver_and_executor_talk_to_one_server(
    environ: dict[str, str], submitted: dict[str, str]
) -> None:
    server = S3Server.from_spark(submitted, environ)
    told = server.for_session()
    executor = {
        **environ,
        **{name.removeprefix("spark.executorEnv."): v for name, v in told.items() if "executorEnv" in name},
    }
    driver = {**environ, **server.to_env()}
    expected = (server.endpoint, server.region)
    assert of_s3a(told) == expected
    for process in (driver, executor):
        assert S3Server.from_env(process) == server
        assert of_pyarrow(S3Server.from_env(process).for_pyarrow()) == expected
        place, region = of_boto3(process)
        if server.endpoint:
            assert (place, region) == expected
        else:  # AWS itself
            assert urlparse(place).hostname in ("s3.amazonaws.com", f"s3.{server.region}.amazonaws.com")
            assert not server.region or region == server.region
    styles = (told.get("spark.hadoop.fs.s3a.path.style.access") == "true", server.for_pyarrow())
    assert styles[0] == (not styles[1]["force_virtual_addressing"]) == bool(server.endpoint)


@pytest.mark.parametrize("environ", ENVIRONMENTS, ids=lambda found: "+".join(found) or "none")
def test_airflow_hands_on_the_server_that_the_jobs_would_find_themselves(environ: dict[str, str]) -> None:
    settings = Settings.from_env(environ)
    assert S3Server(settings.s3_endpoint, settings.s3_region) == S3Server.from_env(environ)


def test_what_is_submitted_comes_before_the_environment_and_s3_before_all_services() -> None:
    assert S3Server.from_env(VALUES) == S3Server("https://s3:2", "eu-north-1")
    assert S3Server.from_spark(SUBMITTED[2], VALUES) == S3Server("http://submitted:3", "ap-east-1")
    assert S3Server.from_env({"AWS_ENDPOINT_URL": "http://all:1"}) == S3Server("http://all:1", "us-east-1")
    assert S3Server.from_env({}) == S3Server()


def test_an_address_without_http_is_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"127\.0\.0\.1:7070 must begin with http://"):
        S3Server.from_env({"AWS_ENDPOINT_URL": "127.0.0.1:7070"})
