"""Make the bucket and the jobs' account on the S3 server, once. A second run changes nothing.

It runs in the network of the S3 container, where the server is on loopback as in the embedded stack.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import fields

from arrears.contracts.errors import ArrearsError, BadConfiguration
from local.credentials import Credentials
from local.stack.provisioning import ensure_bucket
from local.stack_settings import Ports

NEEDED = ("s3_root_key", "s3_root_secret", "s3_key", "s3_secret")


def credentials_of(environ: Mapping[str, str]) -> Credentials:
    """Read the four S3 secrets, or raise BadConfiguration naming every variable that is missing."""
    secrets = {name: environ.get(f"ARREARS_{name.upper()}", "") for name in NEEDED}
    missing = [f"ARREARS_{name.upper()} is not set" for name, value in secrets.items() if not value]
    if missing:
        raise BadConfiguration(*missing)
    return Credentials(**{field.name: secrets.get(field.name, "") for field in fields(Credentials)})


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Make both, and return the exit status, which tells who must act."""
    try:
        ensure_bucket(Ports(), credentials_of(environ))
    except ArrearsError as error:
        sys.stderr.write("\n".join(error.problems) + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
