"""Checking tables against their contracts: the actions, what stops a run, and where broken rows are put aside."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadInput
from arrears.contracts.tables.table_contracts import TableContract
from arrears.stores.objects import Objects
from spark_jobs.io.quarantine import overwrite_quarantine, remove_quarantine
from spark_jobs.transforms.bank import row_rules
from spark_jobs.transforms.bank import table_checks as checks
from spark_jobs.transforms.bank.repeated_keys import to_repeated_hashes, to_repeated_keys

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Violation:
    """A rule that rows of a table break, how many do, and the keys of a few of them."""

    table: str
    rule: str
    column: str
    rows: int
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        such_as = f", such as {', '.join(self.examples)}" if self.examples else ""
        return f"table {self.table}: {self.rule} in {self.rows:,} rows{such_as}"


@dataclass(frozen=True)
class Verdict:
    """What the check of one table found.

    Attributes:
        problems: what is wrong with the table as a whole. Any of them stops the run.
        violations: rules that single rows break.
        rows, broken_rows: of the table. A row that breaks two rules is one broken row.
        notes: what a reader should know though it is no fault, such as new columns that are ignored.
    """

    table: str
    problems: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    rows: int = 0
    broken_rows: int = 0
    notes: tuple[str, ...] = ()

    @property
    def broken_share(self) -> float:
        """Share of the rows that break a rule."""
        return self.broken_rows / self.rows if self.rows else 0.0


def table_verdict(rows: DataFrame, contract: TableContract, *, as_of: str, allow_new_columns: bool) -> Verdict:
    """Checks one table: its columns without reading data, its content in one pass, its keys in a shuffle of hashes.

    Only where something is broken are rows read again, for the examples.

    Args:
        as_of: the day on which the table is read (YYYY-MM-DD). A later event is an error.
    """
    problems, notes = row_rules.schema_problems(rows.schema, contract, allow_new_columns=allow_new_columns)
    if problems:
        return Verdict(contract.name, tuple(problems), notes=tuple(notes))
    day = date.fromisoformat(as_of)
    contracted, rules = row_rules.in_contract(rows, contract), row_rules.row_rules(contract, day)
    counts = checks.ContentCounts.of(checks.to_content_counts(contracted, contract, rules, day).collect()[0])
    return Verdict(
        contract.name,
        (*checks.table_problems(counts, contract, day), *_repeated_keys(contracted, contract, counts.rows)),
        _violations(contracted, contract, rules, counts),
        counts.rows,
        counts.broken_rows,
        tuple(notes),
    )


def enforce(
    tables: Mapping[str, tuple[DataFrame, TableContract]],
    *,
    as_of: str,
    most_broken_share: float,
    allow_new_columns: bool,
    objects: Objects,
    addresses: Addresses,
    dataset: str,
    partition: str,
) -> tuple[dict[str, DataFrame], list[Violation]]:
    """Checks all tables, puts broken rows aside, and hands back the rows that keep every rule.

    Returns:
        The clean rows of each table, with the contract's columns alone, and every violation found.

    Raises:
        BadInput: a table as a whole is not as promised, or more than ``most_broken_share`` of its rows are broken.
            Names everything that is wrong with all tables, and nothing has been written.
    """
    verdicts = {
        name: table_verdict(rows, contract, as_of=as_of, allow_new_columns=allow_new_columns)
        for name, (rows, contract) in tables.items()
    }
    for note in (note for verdict in verdicts.values() for note in verdict.notes):
        log.warning("%s", note)
    violations = [violation for verdict in verdicts.values() for violation in verdict.violations]
    fatal = [problem for verdict in verdicts.values() for problem in _fatal(verdict, most_broken_share)]
    if fatal:
        raise BadInput(*fatal, *map(str, violations))
    clean = {
        name: _put_aside(rows, contract, verdicts[name], as_of, addresses.quarantine(dataset, name, partition), objects)
        for name, (rows, contract) in tables.items()
    }
    for violation in violations:
        log.warning("%s", violation)
    return clean, violations


def _put_aside(
    rows: DataFrame, contract: TableContract, verdict: Verdict, as_of: str, address: str, objects: Objects
) -> DataFrame:
    """Writes the broken rows, or removes those of an earlier run, and returns the others."""
    contracted = row_rules.in_contract(rows, contract)
    if not verdict.broken_rows:
        remove_quarantine(address, objects)
        return contracted
    log.warning("%s of %s rows of table %s go to %s", verdict.broken_rows, verdict.rows, verdict.table, address)
    rules = row_rules.row_rules(contract, date.fromisoformat(as_of))
    broken = row_rules.with_broken_rules(contracted, rules).orderBy(*map(row_rules.named, contract.key))
    overwrite_quarantine(broken, address, _summary(verdict, as_of), objects)
    return contracted.where(~row_rules.is_broken(rules))


def _fatal(verdict: Verdict, most_broken_share: float) -> list[str]:
    if verdict.broken_share <= most_broken_share:
        return list(verdict.problems)
    share = (
        f"table {verdict.table}: {verdict.broken_rows:,} of {verdict.rows:,} rows ({verdict.broken_share:.2%}) break a"
        f" rule, at most {most_broken_share:.2%} may"
    )
    return [*verdict.problems, share]


def _repeated_keys(rows: DataFrame, contract: TableContract, row_count: int) -> list[str]:
    hashes = to_repeated_hashes(rows, contract.key, row_count=row_count)
    if not hashes.count():
        return []
    repeated = to_repeated_keys(rows, contract.key, hashes).persist()
    try:
        counted = repeated.agg(F.count(F.lit(1)).alias("keys"), F.sum("row_count").alias("row_count")).collect()[0]
        if not counted["keys"]:
            return []
        smallest = repeated.select(checks.id_text(contract).alias("id")).orderBy("id").limit(checks.EXAMPLES)
        examples = ", ".join(row["id"] for row in smallest.collect())
    finally:
        repeated.unpersist()
    extra, key = counted["row_count"] - counted["keys"], ", ".join(contract.key)
    return [f"table {contract.name}: key {key} is repeated by {extra:,} rows, such as {examples}"]


def _violations(
    rows: DataFrame, contract: TableContract, rules: Sequence[row_rules.RowRule], counts: checks.ContentCounts
) -> tuple[Violation, ...]:
    broken = [(rule, number) for rule, number in zip(rules, counts.broken, strict=True) if number]
    if not broken:
        return ()
    example_rows = checks.to_examples(rows, contract, [rule for rule, _ in broken]).collect()
    examples: dict[str, list[str]] = {}
    for row in sorted(example_rows):
        examples.setdefault(row["rule"], []).append(row["id"])
    return tuple(
        Violation(contract.name, rule.text, rule.column, number, tuple(examples[rule.text])) for rule, number in broken
    )


def _summary(verdict: Verdict, as_of: str) -> dict[str, object]:
    return {
        "table": verdict.table,
        "as_of": as_of,
        "rows": verdict.rows,
        "broken_rows": verdict.broken_rows,
        "rules": [dataclasses.asdict(violation) for violation in verdict.violations],
    }
