"""Why a run stopped, sorted by who must act.

ArrearsError
├── BadInput            the data's owner must mend the data; a retry cannot help
├── BadConfiguration    whoever set the run up must change a setting; a retry cannot help
├── UpstreamNotReady    nobody: something that this run needs is not there yet; a retry may help
│   └── Contended       another run writes the same; a retry will help
├── Unreachable         whoever runs a server: it does not answer; a retry may help. What is there nobody can say
└── (anything else)     a bug: the developers must act
"""

from __future__ import annotations

from typing import ClassVar

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_BUG = 70


class ArrearsError(Exception):
    """A failure that lists everything wrong at once and names who must act.

    Problems must not quote a borrower's row: name columns, counts and limits.

    Args:
        advice: what to do about all of them. It is no problem itself and is not counted as one.
    """

    who_acts: ClassVar[str] = "developers"
    exit_code: ClassVar[int] = EXIT_BUG
    may_retry: ClassVar[bool] = True

    def __init__(self, problem: str, *more: str, advice: str = "") -> None:
        self.problems, self.advice = (problem, *more), advice
        message = problem if not more else f"{len(self.problems)} problems: " + "; ".join(self.problems)
        super().__init__(f"{message}. What to do: {advice}" if advice else message)


class BadInput(ArrearsError):
    """The data are not what was declared."""

    who_acts = "data owner"
    exit_code = 65
    may_retry = False


class BadConfiguration(ArrearsError):
    """A setting, parameter or package of this run is wrong."""

    who_acts = "operator"
    exit_code = 78
    may_retry = False


class UpstreamNotReady(ArrearsError):
    """Something this run builds on (a dataset, a champion, a service) is not there yet."""

    who_acts = "upstream"
    exit_code = 75


class Unreachable(ArrearsError):
    """A server that this run needs does not answer. It is no sign that something is not there."""

    who_acts = "upstream"
    exit_code = 75


class Contended(UpstreamNotReady):
    """Another run is writing the same thing right now."""

    exit_code = 76
