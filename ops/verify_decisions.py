"""Prove the log of decisions about every model and print it: `make verify-decisions`, MODEL=name for one of them.

Without `--root` it asks the local stack. With it, the S3 and MLflow of the environment.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from functools import partial

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import ArrearsError, BadConfiguration
from arrears.contracts.promotion_log import Chain, PromotionRecord
from arrears.stores.model_registry import CHAMPION, Registry
from arrears.stores.objects import Objects
from arrears.stores.promotion_records import PromotionRecords
from local.environment import ROOT
from local.stack.running_environment import stack_variables
from local.stack.status import table
from local.stack_settings import StackSettings

_HEAD = ("", "when (UTC)", "decision", "version", "champion before", "who", "why")
_WIDEST = 80


def main(argv: Sequence[str] | None = None) -> int:
    """Print each log that is whole, and what is wrong with each that is not. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make verify-decisions", description=__doc__)
    parser.add_argument("model", nargs="?", default="", help="registered model, such as pd_lending_club; none: all")
    parser.add_argument("--root", default="", help="where the artifacts live; none: the local stack")
    arguments = parser.parse_args(argv)
    worst = 0
    try:
        if not arguments.root:
            os.environ.update(stack_variables(StackSettings.from_env(os.environ)))
        addresses, objects, registry = Addresses(arguments.root or ROOT), Objects(), Registry()
        models = _asked_for(arguments.model, all_models_with_promotions(addresses, objects, registry))
    except ArrearsError as wrong:
        return _report_error(wrong)
    for model in models:
        try:
            chain = PromotionRecords(objects, addresses.promotions(model)).present(
                partial(registry.newest_promotion, model)
            )
            sys.stdout.write(shown(model, chain, registry.aliases(model)))
        except ArrearsError as wrong:
            worst = _report_error(wrong)
    if not models:
        print("nothing was decided yet: run the training DAG")
    return worst


def all_models_with_promotions(addresses: Addresses, objects: Objects, registry: Registry) -> list[str]:
    """Every model that has a log, or whose log the registry remembers: a log that was removed whole is missed too."""
    folder = f"{addresses.artifacts}/decisions"
    logged = {file.uri.removeprefix(f"{folder}/").partition("/")[0] for file in objects.list(folder)}
    return sorted(logged | set(registry.models_with_promotions()))


def shown(model: str, chain: Chain, aliases: dict[str, str]) -> str:
    """One proven log as a table, the oldest decision first."""
    rows: list[tuple[str, ...]] = []
    for record in chain.records:
        first, *more = _lines(_why(record))
        when, before = record.at.removesuffix("+00:00"), record.champion_before or "none"
        rows.append((str(record.number), when, record.kind, record.version, before, record.who, first))
        rows += [(*[""] * (len(_HEAD) - 1), line) for line in more]
    many = len(chain.records)
    named = ", ".join(f"{alias} {version}" for alias, version in sorted(aliases.items())) or "none"
    return (
        f"{model}: {many} decision{'' if many == 1 else 's'}, the chain is whole;"
        f" champion: version {aliases.get(CHAMPION, 'none')} (aliases: {named})\n{table(_HEAD, rows) if rows else ''}"
    )


def _asked_for(model: str, models: list[str]) -> list[str]:
    if not model:
        return models
    if model not in models:
        raise BadConfiguration(
            f"nothing was ever decided about a model {model!r}; models with decisions: {', '.join(models) or 'none'}"
        )
    return [model]


def _lines(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDEST, break_long_words=False, break_on_hyphens=False) or [""]


def _why(record: PromotionRecord) -> str:
    """The reason, and for an override the rules that it set aside."""
    if record.override:
        return f"OVERRIDE: {record.override} [set aside: {'; '.join(record.rules_set_aside)}]"
    return record.why


def _report_error(error: ArrearsError) -> int:
    sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
