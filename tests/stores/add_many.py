"""Adds one to a stored total again and again, under its lock: one of the processes of test_locks."""

from __future__ import annotations

import sys

from arrears.stores.locks import held_lock
from arrears.stores.objects import Objects

if __name__ == "__main__":
    folder, times = sys.argv[1], int(sys.argv[2])
    objects = Objects()
    for _ in range(times):
        with held_lock(objects, f"{folder}/lock", wait_seconds=100):
            total = int(objects.get(f"{folder}/total"))
            objects.put(f"{folder}/total", str(total + 1).encode())
