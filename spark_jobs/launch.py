"""Runs a job: command line → logging → session → run → outcome fact → exit code.

Exit codes: 0 done · 2 wrong flags · 65 bad input · 70 bug · 75 upstream not ready · 76 another writer
· 78 bad configuration.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, MutableMapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from arrears.contracts.errors import EXIT_BUG, EXIT_OK, ArrearsError, BadConfiguration, UpstreamNotReady
from arrears.contracts.job_configs.arguments import parse
from arrears.contracts.job_configs.jobs import JobConfig
from arrears.contracts.job_configs.refused_flags import RefusedArguments, outcome_of
from arrears.contracts.outcome_facts import JobResult, OutcomeFact
from arrears.stores.foreign_errors import cause_of
from arrears.stores.objects import Objects

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger("arrears")

Config = TypeVar("Config", bound=JobConfig)

NO_RESOURCES_SECONDS = 60.0


def launch(
    run: Callable[[SparkSession, Config], JobResult],
    config_type: type[Config],
    argv: Sequence[str] | None = None,
    environ: MutableMapping[str, str] = os.environ,
    *,
    imports: Sequence[str] = (),
) -> NoReturn:
    """Runs a job that needs Spark and ends the process with the job's exit code.

    Args:
        imports: modules that the job comes to need. They are loaded while Spark starts, as the client of S3 is.
    """

    def with_session(config: Config) -> JobResult:
        from spark_jobs.io.session import spark_session

        _prepare_beside(imports)
        spark = spark_session(_job_name(), environ)
        _refuse_lost_letters(spark, sys.argv[1:] if argv is None else argv)
        watched = _end_without_resources(spark, config)
        try:
            return run(spark, config)
        finally:
            watched.set()
            spark.stop()

    launch_plain(with_session, config_type, argv)


def launch_plain(
    run: Callable[[Config], JobResult], config_type: type[Config], argv: Sequence[str] | None = None
) -> NoReturn:
    """Runs a job that needs no Spark session and ends the process with the job's exit code."""
    config = _read(config_type, sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    logging.getLogger("botocore.credentials").setLevel(logging.WARNING)  # each client says where it found its keys
    os.environ.update(MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false", TQDM_DISABLE="1")  # a log is no terminal
    # MLflow's client waits up to four minutes for a server that is away. Only at this level does it say so.
    logging.getLogger("urllib3.util.retry").setLevel(logging.DEBUG)
    started = _now()
    log.info("%s starts: %s", _job_name(), config)
    try:
        result = run(config)
        # The values too: whoever runs the jobs by hand hands them on to the next one.
        for name, value in (*result.figures.items(), *result.values.items()):
            log.info("%s = %s", name, value)
        _leave(config.outcome, OutcomeFact(_job_name(), "success", started, _now(), result=result))
    except Exception as error:  # noqa: BLE001  # every way in which a job fails ends here
        sys.exit(_failed(error, config, started))
    log.info("%s is done", _job_name())
    sys.exit(EXIT_OK)


def _failed(error: Exception, config: JobConfig, started: str) -> int:
    """Says why the job failed, in the log and in its fact. Returns the exit code."""
    cause = cause_of(error)
    if cause is None:
        log.error("%s failed by a bug", _job_name(), exc_info=error)
    elif cause is not error:
        log.info("a library's own words", exc_info=error)
    if cause is not None:
        log.error("%s failed; who must act: %s\n%s", _job_name(), cause.who_acts, _listed(cause))
    try:
        _leave(config.outcome, _failure(cause or error, started))
    except Exception:  # the log says why the job failed, and its exit code must stay that of the cause
        log.warning("the outcome fact could not be left", exc_info=True)
    return EXIT_BUG if cause is None else cause.exit_code


def _prepare_beside(modules: Sequence[str]) -> None:
    def load() -> None:
        # Whoever needs the client meets the same error, and says it as the job's own.
        with contextlib.suppress(Exception):
            Objects().prepare()
        for module in modules:
            importlib.import_module(module)

    threading.Thread(target=load, name="imports", daemon=True).start()


def _read(config_type: type[Config], argv: Sequence[str]) -> Config:
    """The job's configuration. Refused flags leave a fact too, or a mail could not say what is wrong with them."""
    started = _now()
    try:
        return parse(config_type, argv, prog=_job_name() + ".py")
    except RefusedArguments as refused:
        try:
            _leave(outcome_of(argv), _failure(BadConfiguration(*refused.problems), started))
        except Exception:  # standard error says it already, and the exit code must stay that of wrong flags
            log.warning("the outcome fact of the refused flags could not be left", exc_info=True)
        raise


def _failure(error: Exception, started: str) -> OutcomeFact:
    kind = type(error).__name__
    if isinstance(error, ArrearsError):
        who_acts, may_retry, problems, advice = error.who_acts, error.may_retry, error.problems, error.advice
        first_line = str(error)
    else:
        # A library's message may quote a borrower's row (a cast error does): the mailed fact names the class alone.
        who_acts, may_retry, problems, advice = ArrearsError.who_acts, ArrearsError.may_retry, (), ""
        first_line = f"{kind}: the task's log tells more"
    return OutcomeFact(
        _job_name(),
        "failed",
        started,
        _now(),
        kind,
        who_acts,
        may_retry,
        first_line.splitlines()[0],
        problems,
        advice=advice,
    )


def _leave(outcome: str | None, fact: OutcomeFact) -> None:
    if outcome is not None:
        Objects().put(outcome, fact.to_json().encode())


def _refuse_lost_letters(spark: SparkSession, argv: Sequence[str]) -> None:
    """Java, which hands the arguments on, turns each letter that its locale does not know into a question mark."""
    java: Any = spark
    charset = java._jvm.java.lang.System.getProperty("sun.jnu.encoding")
    if str(charset).upper() not in ("UTF-8", "UTF8") and any("?" in word or not word.isascii() for word in argv):
        raise BadConfiguration(
            f"the locale of this process is not UTF-8 (Java reads names as {charset}), and an argument has letters that"
            " it loses: set LC_ALL=C.UTF-8"
        )


def _end_without_resources(spark: SparkSession, config: JobConfig) -> threading.Event:
    """Ends a job that the cluster gives no executor for a minute: by default it would wait for ever."""
    ready = threading.Event()
    context = spark.sparkContext
    if (context.master or "").startswith("local"):
        return ready
    wanted = {key: context.getConf().get(key, "unset") for key in ("spark.executor.cores", "spark.executor.memory")}
    executors = context._jsc.sc()  # type: ignore[attr-defined, unused-ignore]  # PySpark has no public count of executors

    def watch() -> None:
        deadline = time.monotonic() + NO_RESOURCES_SECONDS
        while not ready.wait(1.0) and executors.getExecutorMemoryStatus().size() <= 1:  # the driver is counted too
            if time.monotonic() >= deadline:
                error = UpstreamNotReady(
                    f"the cluster {context.master} gave no executor within {NO_RESOURCES_SECONDS:.0f} s: start a"
                    f" worker, end other applications, or ask for less than {wanted['spark.executor.cores']} cores and"
                    f" {wanted['spark.executor.memory']} an executor (the cluster size in include/cluster_sizes.py)"
                )
                log.error("%s", error)
                _leave(config.outcome, _failure(error, _now()))
                os._exit(error.exit_code)  # the main thread is inside a JVM call that nothing else interrupts

    threading.Thread(target=watch, name="resource-watch", daemon=True).start()
    return ready


def _listed(error: ArrearsError) -> str:
    lines = "\n".join(f"  - {problem}" for problem in error.problems)
    return f"{lines}\nWhat to do: {error.advice}" if error.advice else lines


def _job_name() -> str:
    return Path(sys.argv[0]).stem


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
