"""Settings of the Airflow side: every variable read, every mistake named at once."""

from __future__ import annotations

import dataclasses

import pytest

from arrears.contracts.errors import BadConfiguration
from include.settings import Settings, markdown_table


def test_everything_has_a_default() -> None:
    settings = Settings.from_env({})
    assert (settings.root, settings.transport, settings.new_data_cron) == ("s3://arrears", "spark", "6 2 * * *")
    assert settings.package.endswith("/dist/arrears.zip")


def test_empty_variable_takes_the_default() -> None:
    assert Settings.from_env({"ARREARS_ROOT": "  "}).root == "s3://arrears"


def test_lists_are_split_and_trimmed() -> None:
    settings = Settings.from_env(
        {"ARREARS_SPARK_JARS": "local:/a.jar, local:/b.jar,", "ARREARS_SPARK_CONF": "spark.a=1; spark.b=x=y;"}
    )
    assert settings.spark_jars == ("local:/a.jar", "local:/b.jar")
    assert settings.spark_conf == (("spark.a", "1"), ("spark.b", "x=y"))


def test_cluster_may_see_the_s3_server_under_another_address() -> None:
    here = {"AWS_ENDPOINT_URL": "http://127.0.0.1:7070"}
    assert Settings.from_env(here).s3_endpoint == "http://127.0.0.1:7070"
    assert Settings.from_env({**here, "ARREARS_S3_ENDPOINT": "http://s3:7070"}).s3_endpoint == "http://s3:7070"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ARREARS_ROOT", "arrears"),
        ("ARREARS_DATASET", "Lending Club"),
        ("ARREARS_NEW_DATA_CRON", "6 2 * *"),
        ("ARREARS_NEW_DATA_CRON", "66 2 * * *"),
        ("ARREARS_NEW_DATA_CRON", "@daily"),
        ("ARREARS_TIMEZONE", "Berlin"),
        ("ARREARS_TIMEZONE", "../etc/passwd"),
        ("ARREARS_TRANSPORT", "carrier-pigeon"),
        ("ARREARS_SPARK_CONF", "executor.memory=2g"),
        ("ARREARS_SPARK_CONF", "spark.hadoop.fs.s3a.secret.key=x"),
        ("ARREARS_SPARK_CONF", "spark.hadoop.fs.s3a.access.key=x"),
        ("ARREARS_RISK_LIMITS", "0.4"),
        ("ARREARS_RISK_LIMITS", "0.7,0.4"),
        ("ARREARS_RISK_LIMITS", "0.4,1.5"),
        ("ARREARS_RISK_LIMITS", "nan,0.4"),
        ("ARREARS_SPARK_CONN", "no spaces"),
    ],
)
def test_malformed_variable_is_named(variable: str, value: str) -> None:
    with pytest.raises(BadConfiguration, match=f"^{variable}: "):
        Settings.from_env({variable: value})


def test_all_mistakes_are_in_one_message() -> None:
    wrong = {"ARREARS_ROOT": "x", "ARREARS_TIMEZONE": "x", "ARREARS_TRANSPORT": "x"}
    with pytest.raises(BadConfiguration) as caught:
        Settings.from_env(wrong)
    assert [problem.split(":")[0] for problem in caught.value.problems] == list(wrong)


def test_secret_in_spark_conf_is_not_repeated_in_the_message() -> None:
    with pytest.raises(BadConfiguration) as caught:
        Settings.from_env({"ARREARS_SPARK_CONF": "spark.hadoop.fs.s3a.secret.key=hush-hush"})
    assert "hush-hush" not in str(caught.value)


def test_table_of_the_readme_has_a_row_for_every_setting_and_no_path_of_this_machine() -> None:
    table = markdown_table()
    assert len(table.splitlines()) == 2 + len(dataclasses.fields(Settings))
    assert "| `ARREARS_PACKAGE` | `dist/arrears.zip` | the zip that goes to Spark with every job |" in table
    assert all(line.count(" | ") == 2 for line in table.splitlines())
