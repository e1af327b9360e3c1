"""Prove the log of decisions about every model and print it: `make verify-decisions`, MODEL=name for one of them.

Without `--root` it asks the local stack; with it, the S3 and MLflow of the environment.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from arrears.contracts.catalogue import Catalogue
from arrears.contracts.decision_records import Chain
from arrears.contracts.errors import ArrearsError
from arrears.stores.decision_log import DecisionLog
from arrears.stores.objects import Objects
from arrears.stores.registry import CHAMPION, Registry
from local.environment import ROOT
from local.settings import StackSettings
from local.stack_variables import stack_variables
from local.tables import table

_HEAD = ("", "when (UTC)", "decision", "version", "champion before", "who", "why")
_WIDEST = 80


def main(argv: Sequence[str] | None = None) -> int:
    """Print each log that is whole, and what is wrong with each that is not; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make verify-decisions", description=__doc__)
    parser.add_argument("model", nargs="?", default="", help="registered model, such as pd_lending_club; none: all")
    parser.add_argument("--root", default="", help="where the artifacts live; none: the local stack")
    given = parser.parse_args(argv)
    worst = 0
    try:
        if not given.root:
            os.environ.update(stack_variables(StackSettings.from_env(os.environ)))
        catalogue, objects, registry = Catalogue(given.root or ROOT), Objects(), Registry()
        models = [given.model] if given.model else models_with_decisions(catalogue, objects, registry)
    except ArrearsError as wrong:
        return _told(wrong)
    for model in models:
        try:
            chain = DecisionLog(objects, catalogue.decisions(model)).chain(registry.newest_decision(model))
            sys.stdout.write(shown(model, chain, registry.aliases(model)))
        except ArrearsError as wrong:
            worst = _told(wrong)
    if not models:
        print("nothing was decided yet: run the training DAG")
    return worst


def models_with_decisions(catalogue: Catalogue, objects: Objects, registry: Registry) -> list[str]:
    """Every model that has a log, or whose log the registry remembers: a log that was removed whole is missed too."""
    folder = f"{catalogue.artifacts}/decisions"
    logged = {found.uri.removeprefix(f"{folder}/").partition("/")[0] for found in objects.list(folder)}
    return sorted(logged | set(registry.decided_models()))


def shown(model: str, chain: Chain, aliases: dict[str, str]) -> str:
    """One proven log as a table, the oldest decision first."""
    rows = [
        (
            str(record.number),
            record.at.removesuffix("+00:00"),
            record.kind,
            record.version,
            record.champion_before or "none",
            record.who,
            _short(f"OVERRIDE: {record.override}" if record.override else record.why),
        )
        for record in chain.records
    ]
    named = ", ".join(f"{alias} {version}" for alias, version in sorted(aliases.items())) or "none"
    return (
        f"{model}: {len(rows)} decisions, the chain is whole; champion: version {aliases.get(CHAMPION, 'none')}"
        f" (aliases: {named})\n{table(_HEAD, rows) if rows else ''}"
    )


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _told(wrong: ArrearsError) -> int:
    sys.stderr.write("".join(f"{problem}\n" for problem in wrong.problems))
    return wrong.exit_code


if __name__ == "__main__":
    sys.exit(main())
