"""Flags of a job that are wrong: all of them named at once, and handed on to whoever records the outcome."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from arrears.contracts.errors import EXIT_USAGE


class RefusedArguments(SystemExit):
    """Ends the process with exit code 2 where nobody catches it. `problems` says all that is wrong with the flags."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(EXIT_USAGE)
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Unreadable:
    """Stands for a value that is no number or no choice: argparse itself would stop at the first of them."""

    problem: str


class FlagParser(argparse.ArgumentParser):
    """Says what is wrong as argparse does, and raises it."""

    def error(self, message: str) -> NoReturn:
        """What argparse found wrong by itself, such as a misspelt flag."""
        self.refuse((message,))

    def refuse(self, problems: Sequence[str]) -> NoReturn:
        """Prints all problems on standard error and raises RefusedArguments."""
        self.print_usage(sys.stderr)
        self._print_message(f"{self.prog}: error: {'; '.join(problems)}\n", sys.stderr)
        raise RefusedArguments(problems)


def outcome_of(argv: Sequence[str]) -> str | None:
    """The address of the outcome fact, out of flags that may otherwise be wrong. None where it cannot be read."""
    parser = FlagParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--outcome", nargs="?")
    return parser.parse_known_args(list(argv))[0].outcome or None
