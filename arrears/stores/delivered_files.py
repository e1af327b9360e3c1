"""Whether a bank's delivery is there and whole, told by the names of its files alone: no row is read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from arrears.contracts.errors import UpstreamNotReady
from arrears.stores.objects import ObjectInfo, Objects, is_reachable, uri_of

# What writers leave beside the data: Spark and Hadoop, Delta's log, marks of completeness, editors.
_HIDDEN = re.compile(r"(^|/)[_.][^/]*(/|$)")
_UNFINISHED = re.compile(r"(^|/)_temporary(/|$)|\.(tmp|part|crdownload|_copying_)$", re.IGNORECASE)
_COMMIT = re.compile(r"/_delta_log/(\d{20})\.json$")
_UNKNOWN = datetime.min.replace(tzinfo=UTC)
_COMMITS_READ = 50  # newest first: a table that is written every half hour for a day


def require_complete(address: str, marker: str | None, objects: Objects) -> None:
    """Refuses a delivery of which nothing is there yet, or not all.

    Args:
        marker: file whose presence says that the delivery is complete. None: nobody writes one.

    Raises:
        UpstreamNotReady: says what is missing.
    """
    missing = what_is_missing(address, marker, objects)
    if missing:
        raise UpstreamNotReady(missing)


def what_is_missing(address: str, marker: str | None, objects: Objects) -> str:
    """What a delivery waits for, one sentence. Empty where it is complete, or where only Spark can look."""
    uri = uri_of(address)
    if not is_reachable(uri):
        return ""
    found = _files(uri, objects)
    # A commit of Delta is whole or absent, whatever else lies there.
    if not any(name.startswith("_delta_log/") for name in found) and any(map(_UNFINISHED.search, found)):
        return f"the delivery at {address} is still being written"
    if all(_HIDDEN.search(name) for name in found):
        return f"no delivery at {address} yet"
    if marker and not _has_marker(uri, marker, found, objects):
        return f"the delivery at {address} is a part so far: its file {marker} is not there"
    return ""


def fingerprint(address: str, objects: Objects) -> str:
    """Names, sizes and tags of a delivery's files in short: it changes where any of them does."""
    uri = uri_of(address)
    if not is_reachable(uri):
        return ""
    files = [(name, file.size, file.etag, str(file.modified_at)) for name, file in _files(uri, objects).items()]
    return hashlib.sha256(json.dumps(files).encode()).hexdigest() if files else ""


def is_in_table(address: str, column: str, day: str, objects: Objects) -> bool:
    """Whether a Delta table's log says that it has rows of a day. True where there is no such log, or no statistics.

    The log tells partitions, and the least and largest value of each file: a day between them may still be missing,
    which the job that reads the rows finds.
    """
    uri = uri_of(address).rstrip("/")
    if not is_reachable(uri):
        return True
    log = [file for file in objects.list(f"{uri}/_delta_log") if _COMMIT.search(file.uri)]
    newest = sorted(log, key=lambda file: file.uri, reverse=True)[:_COMMITS_READ]
    if not newest:
        return True
    if any(_may_hold(add, column, day) for commit in newest for add in _added(commit.uri, objects)):
        return True
    # What came before these commits is not looked at: only a later day is known to be missing.
    begins_here = newest[-1].uri.endswith(f"/{0:020d}.json")
    return not begins_here and day <= newest[-1].modified_at.date().isoformat()


def _files(uri: str, objects: Objects) -> dict[str, ObjectInfo]:
    """A folder's files by name below it; a single file by its own name."""
    folder = uri.rstrip("/")
    below = {file.uri.removeprefix(f"{folder}/"): file for file in objects.list(folder)}
    size = None if below else objects.size(folder)
    alone = {} if size is None else {folder.rpartition("/")[2]: ObjectInfo(folder, size, "", _UNKNOWN)}
    return below or alone


def _has_marker(uri: str, marker: str, found: dict[str, ObjectInfo], objects: Objects) -> bool:
    # In a folder, or beside a single file.
    return marker in found or objects.exists(f"{uri.rstrip('/').rpartition('/')[0]}/{marker}")


def _added(commit: str, objects: Objects) -> Iterator[dict[str, Any]]:
    for line in objects.get(commit).splitlines():
        action = json.loads(line)
        if "add" in action:
            yield action["add"]


def _may_hold(add: dict[str, Any], column: str, day: str) -> bool:
    if column in add.get("partitionValues", {}):
        return str(add["partitionValues"][column])[:10] in (day, day.replace("-", ""))
    stats = json.loads(add.get("stats") or "{}")
    least, most = (str(stats.get(end, {}).get(column, "")) for end in ("minValues", "maxValues"))
    if not least or not most:
        return True
    form = day if "-" in least else day.replace("-", "")
    return least[: len(form)] <= form <= most[: len(form)]
