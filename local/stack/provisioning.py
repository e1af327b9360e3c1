"""What a running server of the stack must hold before jobs can use it: the bucket, Airflow's pool."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signer

from arrears.contracts.errors import UpstreamNotReady
from local.credentials import Credentials
from local.environment import ADMIN, BUCKET, REGION
from local.http import request, request_json
from local.stack_settings import HOST, Ports

POOL = "spark"
EXISTS = 409


def ensure_bucket(ports: Ports, credentials: Credentials) -> None:
    """Make the bucket and the account that owns it, unless the jobs' account can use the bucket already.

    The keys travel signed in the request, never on a command line. Raises UpstreamNotReady with the
    server's own words where it refuses.
    """
    jobs = Signer(credentials.s3_key, credentials.s3_secret)
    if _signed(ports, jobs, "HEAD", f"/{BUCKET}")[0] == 200:
        return
    root = Signer(credentials.s3_root_key, credentials.s3_root_secret)
    account = ET.Element("Account")
    for name, value in (("Access", credentials.s3_key), ("Secret", credentials.s3_secret), ("Role", "user")):
        ET.SubElement(account, name).text = value
    for what, method, path, body in (
        ("make the jobs' account", "PATCH", "/create-user", ET.tostring(account)),
        ("make the bucket", "PUT", f"/{BUCKET}", b""),
        ("give the bucket away", "PATCH", f"/change-bucket-owner/?bucket={BUCKET}&owner={credentials.s3_key}", b""),
        ("use the bucket", "HEAD", f"/{BUCKET}", b""),
    ):
        status, answer = _signed(ports, jobs if method == "HEAD" else root, method, path, body)
        if status >= 300 and status != EXISTS:
            raise UpstreamNotReady(f"the S3 server would not let us {what}: {status} {answer[:300].decode()}")


def ensure_pool(ports: Ports, credentials: Credentials) -> None:
    """Make Airflow's pool for Spark jobs with one slot, so that two jobs never wait for each other's cores.

    A pool that is there keeps its slots: a person may have changed them.
    """
    who = {"username": ADMIN, "password": credentials.airflow_password}
    status, answer = request_json(ports.airflow, "/auth/token", method="POST", document=who)
    if status != 201:
        raise UpstreamNotReady(f"Airflow does not take the generated password: {status}")
    pool = {
        "name": POOL,
        "slots": 1,
        "description": "Jobs on the Spark cluster: one at a time, it has two cores.",
        "include_deferred": False,
    }
    token = str(answer["access_token"])
    status, answer = request_json(ports.airflow, "/api/v2/pools", method="POST", document=pool, token=token)
    if status not in (201, EXISTS):
        raise UpstreamNotReady(f"Airflow would not make the pool {POOL}: {status} {answer}")


def _signed(ports: Ports, who: object, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    signed_request = AWSRequest(method=method, url=f"http://{HOST}:{ports.s3}{path}", data=body)
    S3SigV4Auth(who, "s3", REGION).add_auth(signed_request)
    headers = {name: str(value) for name, value in signed_request.headers.items()}
    return request(ports.s3, path, method=method, body=body, headers=headers)
