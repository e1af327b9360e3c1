"""A commit to a Delta table: nobody waits for it, none is lost, and its writer learns which version it made.

Delta writes the data first and then creates the next version's entry of its log. Who comes second reads what the first
has done: a commit to another partition follows it, one to the same partition is refused.

See docs/adr/0048.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from arrears.contracts.errors import Contended
from arrears.stores.objects import Objects, is_reachable

log = logging.getLogger(__name__)

_COMMIT = re.compile(r"/_delta_log/(\d{20})\.json$")
_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
_CONFLICT = re.compile(r"DELTA_(CONCURRENT_\w+|METADATA_CHANGED|PROTOCOL_CHANGED)")


def table_version(uri: str) -> int | None:
    """The newest version of a Delta table. None when there is no such table yet.

    Read off the names of the commit files, as Delta's protocol fixes them: asking Spark costs a job of a second.
    Addresses that only Spark can list, such as ``hdfs://``, have no version here.
    """
    if not is_reachable(uri):
        return None
    commits = (_COMMIT.search(file.uri) for file in Objects().list(f"{uri}/_delta_log"))
    return max((int(commit[1]) for commit in commits if commit), default=None)


def actions_of(uri: str, version: int) -> list[dict[str, Any]]:
    """What one commit did, action by action, as Delta's protocol names them."""
    return [json.loads(line) for line in Objects().get(f"{uri}/_delta_log/{version:020d}.json").splitlines()]


def commit(spark: SparkSession, uri: str, write: Callable[[], object], *, attempts: int = 1) -> int:
    """Runs one write to a table and returns the version of its commit, or the newest one where it changed nothing.

    Args:
        attempts: how often a refused write is run, where its rows are at hand and may follow whatever came before.

    Raises:
        Contended: another writer has meanwhile changed what this one read or replaces. Nothing of this one counts.
    """
    before, mark = table_version(uri), f"write {uuid.uuid4().hex}"
    spark.conf.set(_METADATA, mark)
    try:
        for attempt in range(1, attempts + 1):
            refusal = _refusal_of(write)
            if refusal is None:
                break
            if attempt == attempts:
                raise Contended(f"another writer has changed {uri} meanwhile: run again") from refusal
            log.info("another writer has changed %s meanwhile: writing again", uri)
    finally:
        spark.conf.unset(_METADATA)
    newest = table_version(uri)
    if newest is None:
        raise RuntimeError(f"{uri} has no version after a commit")
    ours = (
        version for version in range(newest, -1 if before is None else before, -1) if _is_marked(uri, version, mark)
    )
    return next(ours, newest)


def _refusal_of(write: Callable[[], object]) -> Exception | None:
    """Runs a write. Returns Delta's refusal of its commit, or None where it was accepted."""
    try:
        write()
    except (Py4JJavaError, PySparkException) as error:
        if _CONFLICT.search(str(error)) is None:
            raise
        return error
    return None


def _is_marked(uri: str, version: int, mark: str) -> bool:
    commit_infos = (action.get("commitInfo", {}) for action in actions_of(uri, version))
    return any(info.get("userMetadata") == mark for info in commit_infos)
