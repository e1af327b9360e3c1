"""Stores the progress of trainings on shared storage, so that a task that is lost resumes on another machine."""

from __future__ import annotations

from dataclasses import dataclass

from arrears.contracts.errors import UpstreamNotReady
from arrears.stores.objects import Objects


@dataclass(frozen=True)
class ProgressFiles:
    """One object a training below a folder address. Each is replaced whole."""

    folder: str

    def load(self, key: str) -> bytes | None:
        """What an earlier attempt left. None where there is nothing."""
        try:
            return Objects().get(self._address(key))
        except UpstreamNotReady:
            return None

    def save(self, key: str, content: bytes) -> None:
        """Replaces it whole."""
        Objects().put(self._address(key), content)

    def remove(self, key: str) -> None:
        """Removes it. It is no error if there is none."""
        Objects().delete(self._address(key))

    def _address(self, key: str) -> str:
        return f"{self.folder}/{key}"
