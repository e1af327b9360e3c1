"""Which runs a demo started for a business date: where the next demo looks, never what it believes."""

from __future__ import annotations

import json
from pathlib import Path

from local.credentials import write_private


class Notes:
    """The last run id of each DAG by business date, in one small file."""

    def __init__(self, path: Path, as_of: str) -> None:
        self._path, self._as_of = path, as_of

    def run_id(self, dag_id: str) -> str | None:
        """The noted run of a DAG. None where there is none, or no readable note."""
        return self._all().get(self._as_of, {}).get(dag_id)

    def keep(self, dag_id: str, run_id: str) -> None:
        """Note a run as soon as it is known, so that an interrupted demo finds it again."""
        notes = self._all()
        notes.setdefault(self._as_of, {})[dag_id] = run_id
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_private(self._path, json.dumps(notes, indent=1, sort_keys=True) + "\n")

    def _all(self) -> dict[str, dict[str, str]]:
        try:
            notes = json.loads(self._path.read_text())
            return {str(date): {str(d): str(r) for d, r in runs.items()} for date, runs in notes.items()}
        except (OSError, ValueError, AttributeError):
            return {}
