"""Draw the secrets of the stack in containers: `python3 -m deploy.write_env` writes deploy/.env once.

Standard library only: it runs with the system's Python, before anything is installed.
"""

from __future__ import annotations

import secrets
import sys
from dataclasses import asdict
from pathlib import Path

from local.credentials import Credentials, write_private

FOLDER = Path(__file__).resolve().parent
POSTGRES = "ARREARS_POSTGRES_PASSWORD"


def drawn_secrets() -> dict[str, str]:
    """Return every secret that docker-compose.yaml asks for, by variable."""
    named = {f"ARREARS_{name.upper()}": value for name, value in asdict(Credentials.generate()).items()}
    # It stands inside a URL.
    return {**named, POSTGRES: secrets.token_hex(24)}


def filled(example: str, values: dict[str, str]) -> str:
    """Return the example with a value after each `NAME=` that waits for one."""
    lines = []
    for line in example.splitlines():
        name = line.removesuffix("=")
        lines.append(f"{line}{values[name]}" if line.endswith("=") and name in values else line)
    return "\n".join(lines) + "\n"


def main(folder: Path = FOLDER) -> int:
    """Write .env beside env.example, readable by its owner alone. An .env that is there is kept."""
    target = folder / ".env"
    if target.exists():
        sys.stdout.write(f"{target} is there already and was kept\n")
        return 0
    write_private(target, filled((folder / "env.example").read_text(), drawn_secrets()))
    sys.stdout.write(f"wrote {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
