"""Drives the trials of an experiment side by side: asks the search, runs, records and tells, until nothing is left."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from arrears.contracts.errors import ArrearsError
from arrears.contracts.job_configs.experiments import Experiment
from arrears.model.experiments.search import Search
from arrears.model.experiments.trials import Proposal, Trial, progress_line

log = logging.getLogger(__name__)

Folds = tuple[Mapping[str, float], ...]

_LONGEST_LINE = 300
_PYTHON_ERROR = re.compile(r"^\S*(?:Error|Exception)\b:? .*$", re.MULTILINE)
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`""")


def run_trials(
    search: Search,
    run: Callable[[Proposal], Folds],
    experiment: Experiment,
    *,
    record: Callable[[Trial], None],
    known: Mapping[str, Folds] | None = None,
) -> list[Trial]:
    """Runs trials, ``parallelism`` at a time, and returns them all, the failed ones too, by number.

    The search is asked and told by this thread alone, so that with one trial at a time the same seed tries the same.

    Args:
        run: trains and measures one proposal. Its exception ends that trial alone.
        record: keeps a trial that has ended. Called in this thread, as soon as it has.
        known: a proposal's key → its folds, where an earlier run has finished it: it is not run again.
    """
    results = dict(known or {})
    ended: list[Trial] = []
    begun = time.monotonic()

    def take(trial: Trial) -> None:
        record(trial)
        if trial.finished:
            results[trial.proposal.key] = trial.folds
        search.tell(trial)
        ended.append(trial)
        log.info(
            "%s", progress_line(ended, search.total, experiment.metric, lower_is_better=experiment.lower_is_better)
        )

    with ThreadPoolExecutor(experiment.parallelism, thread_name_prefix="trial") as pool:
        under_way: dict[Future[Trial], int] = {}
        while True:
            while len(under_way) < experiment.parallelism and (proposal := search.ask()) is not None:
                if proposal.key in results:
                    take(Trial(proposal, "finished", results[proposal.key], time.monotonic() - begun, reused=True))
                else:
                    under_way[pool.submit(_ended, run, proposal, begun)] = proposal.number
            if not under_way:
                return sorted(ended, key=lambda trial: trial.number)
            completed, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in sorted(completed, key=under_way.__getitem__):
                del under_way[future]
                take(future.result())


def error_text(error: Exception) -> tuple[str, str]:
    """Class and first line of an error, without anything that may quote a borrower's row.

    What a library puts in quotes may be a value of the data, and the first line of an error from a task is Spark's: the
    line of the Python error in it tells more.
    """
    kind, text = type(error).__name__, str(error)
    if isinstance(error, ArrearsError):
        return kind, text.splitlines()[0]
    lines = _PYTHON_ERROR.findall(text) or [line for line in text.splitlines() if line.strip()] or [""]
    return kind, _QUOTED.sub("'…'", lines[-1] if _PYTHON_ERROR.search(text) else lines[0])[:_LONGEST_LINE].strip()


def _ended(run: Callable[[Proposal], Folds], proposal: Proposal, begun: float) -> Trial:
    started = time.monotonic()
    try:
        folds = run(proposal)
    except Exception as error:
        log.warning("trial %d ends with an error", proposal.number, exc_info=not isinstance(error, ArrearsError))
        return Trial(
            proposal,
            "failed",
            started=started - begun,
            seconds=time.monotonic() - started,
            error=error_text(error),
        )
    return Trial(proposal, "finished", folds, started - begun, time.monotonic() - started)
