"""What a person sees while the stack comes up: one line an event, with the seconds since the start."""

from __future__ import annotations

import sys
import threading
import time


class Progress:
    """Print timed lines. It is safe to call from several threads."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._lock = threading.Lock()

    @property
    def elapsed(self) -> float:
        """Seconds since this progress began."""
        return time.monotonic() - self._begun

    def say(self, line: str) -> None:
        """Print one line at once, also where the output is a pipe."""
        with self._lock:
            sys.stdout.write(f"[{self.elapsed:5.1f} s] {line}\n")
            sys.stdout.flush()
