"""What operations set for the DAGs, read once from the environment.

`python -m include.settings` prints the table of docs/reference/settings.md.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from arrears.contracts.addresses import Addresses, checked_dataset
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.s3_server import S3Server

PROJECT = Path(__file__).resolve().parent.parent
POOL = "spark"

# Spark shows its configuration on a web page and in logs.
_SECRET_KEY = re.compile(r"secret|password|token|credential|access\.?key", re.IGNORECASE)
_CONNECTION_ID = re.compile(r"[A-Za-z0-9._-]+")


def _text(text: str) -> str:
    return text


def _root(text: str) -> str:
    return Addresses(text).root


def _timezone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{text!r} is no time zone such as Europe/Berlin") from None


def _cron(text: str) -> str:
    from croniter import croniter  # type: ignore[import-untyped, unused-ignore]

    if len(text.split()) != 5 or not croniter.is_valid(text):
        raise ValueError(f"{text!r} is no cron expression of five fields such as '6 2 * * *'")
    return text


def _transport(text: str) -> str:
    if text not in ("spark", "ssh"):
        raise ValueError(f"{text!r} is neither spark nor ssh")
    return text


def _approval(text: str) -> str:
    if text not in ("auto", "human"):
        raise ValueError(f"{text!r} is neither auto nor human")
    return text


def _connection(text: str) -> str:
    if not _CONNECTION_ID.fullmatch(text):
        raise ValueError(f"{text!r} is no id of an Airflow connection")
    return text


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _conf(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(map(str.strip, part.split("=", 1))) for part in text.split(";") if part.strip()]
    wrong = [pair[0] for pair in pairs if len(pair) != 2 or not pair[0].startswith("spark.")]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: write spark.name=value; spark.other=value")
    secret = [pair[0] for pair in pairs if _SECRET_KEY.search(pair[0])]
    if secret:
        raise ValueError(f"{', '.join(secret)}: secrets do not go through Spark's configuration, which anyone can read")
    return tuple((pair[0], pair[1]) for pair in pairs)


def _risk_limits(text: str) -> str:
    if not text:
        return text
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is not two probabilities such as 0.4,0.7") from None
    if not 0 <= low < high <= 1:
        raise ValueError(f"{text!r} must be two rising probabilities from 0 to 1")
    return text


def setting(variable: str, default: str, meaning: str, read: Callable[[str], Any] = _text, *, shown: str = "") -> Any:
    """Declares one field of `Settings` by its environment variable. `shown` stands in the table for the default."""
    metadata = {
        "variable": variable,
        "default": default,
        "meaning": meaning,
        "read": read,
        "shown": shown or default,
    }
    return dataclasses.field(metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Everything that differs between two installations of the same DAGs. Holds no secret."""

    root: str = setting("ARREARS_ROOT", "s3://arrears", "where every dataset and artifact lives", _root)
    dataset: str = setting("ARREARS_DATASET", "lending_club", "the data set that schedules follow", checked_dataset)
    datasets: tuple[str, ...] = setting(
        "ARREARS_DATASETS",
        "",
        "descriptions (YAML) of the data sets that schedules follow, comma separated; empty: `ARREARS_DATASET` alone",
        _list,
    )
    new_data_cron: str = setting("ARREARS_NEW_DATA_CRON", "6 2 * * *", "when `new_data` runs, to the minute", _cron)
    bank: str = setting(
        "ARREARS_BANK", "synthetic_bank", "the bank whose features are built on schedule", checked_dataset
    )
    features_cron: str = setting("ARREARS_FEATURES_CRON", "30 2 1 * *", "when `build_features` runs", _cron)
    maintenance_cron: str = setting("ARREARS_MAINTENANCE_CRON", "30 3 * * 0", "when `maintenance` runs", _cron)
    timezone: str = setting("ARREARS_TIMEZONE", "UTC", "time zone of the schedules and of business dates", _timezone)
    transport: Literal["spark", "ssh"] = setting(
        "ARREARS_TRANSPORT",
        "spark",
        "`spark`: spark-submit beside Airflow; `ssh`: on the cluster's node",
        _transport,
    )
    package: str = setting(
        "ARREARS_PACKAGE",
        str(PROJECT / "dist" / "arrears.zip"),
        "the zip that goes to Spark with every job",
        shown="dist/arrears.zip",
    )
    spark_jars: tuple[str, ...] = setting(
        "ARREARS_SPARK_JARS",
        "",
        "`local:` jars of Delta and S3A, comma separated; empty: resolved by --packages",
        _list,
    )
    spark_conf: tuple[tuple[str, str], ...] = setting(
        "ARREARS_SPARK_CONF",
        "",
        "more Spark configuration, `name=value; name=value`; it wins over cluster sizes",
        _conf,
    )
    s3_endpoint: str = setting(
        "ARREARS_S3_ENDPOINT",
        "",
        "S3 server as the cluster reaches it; empty: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, else AWS itself",
    )
    s3_region: str = setting(
        "ARREARS_S3_REGION", "", "its region; empty: `AWS_REGION`, `AWS_DEFAULT_REGION`, else us-east-1 at an endpoint"
    )
    risk_limits: str = setting(
        "ARREARS_RISK_LIMITS",
        "",
        "limits of MEDIUM and HIGH, such as `0.4,0.7`; empty: quantiles",
        _risk_limits,
    )
    approval: str = setting(
        "ARREARS_APPROVAL",
        "auto",
        "`human`: a named person approves each new champion; `auto`: the rules alone",
        _approval,
    )
    approvers: tuple[str, ...] = setting(
        "ARREARS_APPROVERS",
        "",
        "ids of users who may approve (in the simple login: names), comma separated; empty: whoever may answer",
        _list,
    )
    recipients: tuple[str, ...] = setting(
        "ARREARS_RECIPIENTS", "", "addresses of the mails, comma separated; empty: `to` of the mail connection", _list
    )
    spark_connection: str = setting("ARREARS_SPARK_CONN", "spark_default", "Airflow connection of Spark", _connection)
    ssh_connection: str = setting("ARREARS_SSH_CONN", "arrears_ssh", "Airflow connection of the node", _connection)
    smtp_connection: str = setting("ARREARS_SMTP_CONN", "smtp_default", "Airflow connection of mail", _connection)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Reads every variable. A variable that is unset or empty takes its default.

        Raises:
            BadConfiguration: one message that names every variable that is malformed.
        """
        server = S3Server.from_env(environ)
        fallbacks = {"ARREARS_S3_ENDPOINT": server.endpoint, "ARREARS_S3_REGION": server.region}
        values, problems = {}, []
        for field in dataclasses.fields(cls):
            variable = field.metadata["variable"]
            text = environ.get(variable, "").strip() or fallbacks.get(variable) or field.metadata["default"]
            try:
                values[field.name] = field.metadata["read"](text)
            except (ValueError, BadConfiguration) as error:
                problems.append(f"{variable}: {error}")
        if problems:
            raise BadConfiguration(*problems)
        return cls(**values)

    @property
    def addresses(self) -> Addresses:
        """Addresses of every dataset and artifact."""
        return Addresses(self.root)


def markdown_table() -> str:
    """The settings as the docs show them, one row a variable."""
    rows = [
        f"| `{field.metadata['variable']}` | {_cell(field.metadata['shown'])} | {field.metadata['meaning']} |"
        for field in dataclasses.fields(Settings)
    ]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def _cell(default: str) -> str:
    return f"`{default}`" if default else "(empty)"


if __name__ == "__main__":
    sys.stdout.write(markdown_table() + "\n")
