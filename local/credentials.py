"""The passwords and keys of the embedded stack: generated once, kept in one file that only its owner reads."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from arrears.contracts.errors import BadConfiguration


@dataclass(frozen=True, repr=False)
class Credentials:
    """Every secret of the stack. Its text form shows none of them.

    Two S3 accounts: the root one makes the bucket and is known to the server alone, and the jobs' one owns it.
    """

    s3_root_key: str
    s3_root_secret: str
    s3_key: str
    s3_secret: str
    mlflow_password: str
    mlflow_session_key: str
    airflow_password: str
    airflow_session_key: str
    airflow_jwt_secret: str
    airflow_fernet_key: str

    @classmethod
    def generate(cls) -> Credentials:
        """Draw new secrets from the operating system."""
        return cls(
            s3_root_key=f"root{secrets.token_hex(8)}",
            s3_root_secret=secrets.token_urlsafe(32),
            s3_key=f"jobs{secrets.token_hex(8)}",
            s3_secret=secrets.token_urlsafe(32),
            mlflow_password=secrets.token_urlsafe(18),
            mlflow_session_key=secrets.token_urlsafe(48),
            airflow_password=secrets.token_urlsafe(18),
            airflow_session_key=secrets.token_urlsafe(48),
            airflow_jwt_secret=secrets.token_urlsafe(64),
            airflow_fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        )

    def __repr__(self) -> str:
        return "Credentials(…)"


def load_or_generate(path: Path) -> Credentials:
    """Return the secrets kept in `path`. The first call writes them there, readable by the owner alone.

    Raises BadConfiguration where the file is there but is not what was written.
    """
    if not path.exists():
        credentials = Credentials.generate()
        write_private(path, json.dumps(asdict(credentials), indent=1) + "\n")
        return credentials
    try:
        kept = json.loads(path.read_text())
        return Credentials(**{field.name: str(kept[field.name]) for field in fields(Credentials)})
    except (ValueError, KeyError, TypeError) as broken:
        raise BadConfiguration(
            f"{path} does not hold the stack's secrets ({type(broken).__name__})",
            f"stop the stack, then delete {path.parent} to begin anew, or restore the file",
        ) from broken


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step by one that only its owner can read."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
