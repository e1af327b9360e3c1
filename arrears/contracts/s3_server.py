"""Which S3 server a process talks to: the one place that configures Spark's S3A, pyarrow and boto3.

Each of the three libraries would look for itself, under names and in an order of its own. Credentials are no part of
it: all three take them by the same chain (environment, web identity, profile, the machine's role).

See docs/adr/0051.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from arrears.contracts.errors import BadConfiguration

USUAL_REGION = "us-east-1"
_S3A = "spark.hadoop.fs.s3a."
_CREDENTIALS = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"


@dataclass(frozen=True)
class S3Server:
    """Address and region of an S3 server. One with an endpoint and no region has the usual region.

    Attributes:
        endpoint: such as ``http://127.0.0.1:7070``. Empty: AWS itself, in the region. Buckets of a server with an
            endpoint stand in the path, those of AWS in the host's name.
        region: empty: what the machine's AWS profile says.
    """

    endpoint: str = ""
    region: str = ""

    def __post_init__(self) -> None:
        if self.endpoint and not self.endpoint.startswith(("http://", "https://")):
            raise BadConfiguration(f"the S3 server's address {self.endpoint} must begin with http:// or https://")
        if self.endpoint and not self.region:
            object.__setattr__(self, "region", USUAL_REGION)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> S3Server:
        """By AWS's own variables. Those of S3 alone come before those of all services."""
        endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""
        return cls(endpoint, region)

    @classmethod
    def from_spark(cls, submitted: Mapping[str, str], environ: Mapping[str, str]) -> S3Server:
        """The server in spark-submit's configuration of S3A, or where that names none, in the environment."""
        present = cls.from_env(environ)
        endpoint = submitted.get(f"{_S3A}endpoint") or present.endpoint
        return cls(endpoint, submitted.get(f"{_S3A}endpoint.region") or present.region)

    @property
    def path_style(self) -> bool:
        """Whether the bucket's name stands in the path."""
        return bool(self.endpoint)

    def to_env(self) -> dict[str, str]:
        """The variables by which `from_env` finds this server again, in a process that inherits them."""
        variables = {"AWS_ENDPOINT_URL_S3": self.endpoint, "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        return {name: value for name, value in variables.items() if value}

    def for_s3a(self) -> dict[str, str]:
        """Spark's configuration of the server."""
        options = {"endpoint": self.endpoint, "path.style.access": "true" if self.path_style else ""}
        # S3A sends no request that a server other than AWS accepts unless it is told a region.
        options["endpoint.region"] = self.region
        return {f"{_S3A}{name}": value for name, value in options.items() if value}

    def for_session(self) -> dict[str, str]:
        """S3A with the chain of credentials that the others have, and the executors' environment, where those look."""
        environ = {f"spark.executorEnv.{name}": value for name, value in self.to_env().items()}
        return {f"{_S3A}aws.credentials.provider": _CREDENTIALS, **self.for_s3a(), **environ}

    def for_boto3(self) -> dict[str, Any]:
        """Arguments of boto3's client, without ``config``."""
        return {"endpoint_url": self.endpoint or None, "region_name": self.region or None}

    def for_pyarrow(self) -> dict[str, Any]:
        """Arguments of pyarrow's S3FileSystem."""
        url = urlparse(self.endpoint)
        return {
            "endpoint_override": url.netloc or None,
            "scheme": url.scheme or "https",
            "region": self.region or None,
            "force_virtual_addressing": not self.path_style,
        }
