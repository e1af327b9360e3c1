"""Which names a source's columns cannot have, so that none of them meets a column of ours.

A column that Arrears adds for its own work, beside a source's columns, begins with ``_``. A source's column never does
(`spark_jobs.schemas.stored_name` moves the sign to its end; a bank's contract is refused). What Arrears stores beside
them is reserved. Spark does not tell ``AS_OF`` from ``as_of``, so neither does this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

ID = "borrower_id"
LABEL = "is_default"
SCORE = "default_probability"
WORK_PREFIX = "_"
TARGET_VALUE = "_target_value"  # of a row that is left out without a label: what its target says
# Columns of the tables, of training rows, and of scores.
RESERVED = (
    ID, LABEL, "sample_id", "as_of", "dataset_version", "row_order", "row_in_sample", "is_validation", "shard",
    SCORE,
)  # fmt: skip
# What the feature store adds to a view's columns, and quarantine to a table's.
STORED_BESIDE_FEATURES = ("event_time", "row_digest", "as_of")
STORED_BESIDE_BROKEN_ROWS = ("broken_rules",)


def name_problems(
    columns: Iterable[str], *, reserved: Iterable[str] = RESERVED, of: str = "", stored: bool = True
) -> list[str]:
    """One sentence for all names that are ours, one for all that differ in upper and lower case alone.

    Args:
        of: what the columns belong to, such as ``table loans``. Empty: the data set.
        stored: they are names in our tables. Otherwise a source's own, whose leading ``_`` is moved when it is read.
    """
    names, ours = list(dict.fromkeys(columns)), [name.lower() for name in reserved]
    taken = [name for name in names if name.lower() in ours or (stored and name.startswith(WORK_PREFIX))]
    times = Counter(map(str.lower, names))
    alike = [name for name in names if times[name.lower()] > 1]
    prefix = f"{of}: " if of else ""
    problems = []
    if taken:
        begun = f" and all that begin with {WORK_PREFIX}" if stored else ""
        problems.append(
            f"{prefix}column {', '.join(taken)} has a reserved name: in upper and lower case, {', '.join(ours)}{begun}"
            " are ours"
        )
    if alike:
        problems.append(f"{prefix}columns {', '.join(alike)} differ in upper and lower case alone")
    return problems
