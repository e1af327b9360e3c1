"""Run the whole pipeline on real borrowers against the local stack, and show what came of it.

`python -m local.demo` works through Airflow's REST interface alone. A second run verifies what the first one left,
runs again only what is not whole, and shows the same numbers.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import date

from arrears.contracts.errors import EXIT_OK, ArrearsError, UpstreamNotReady
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from include.settings import Settings
from local.credentials import Credentials, load_or_generate
from local.demo.airflow_client import AirflowClient
from local.demo.demo_checks import Evidence
from local.demo.mails import Mailbox
from local.demo.notes import Notes
from local.demo.run_progress import RunProgress
from local.demo.runs import Finished, Pipeline, RunFailed
from local.demo.summary import costs, report_page, summary
from local.stack.running_environment import stack_variables
from local.stack.status import welcome
from local.stack.supervisor import Supervisor
from local.stack_settings import StackSettings

AS_OF = date(2026, 1, 31)  # fixed: a second demo recognises the work of the first by its business date
RUN_FAILED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo. Returns 0 only if every run succeeded and its mail arrived."""
    arguments = _parser().parse_args(argv)
    progress = RunProgress(arguments.begun)
    try:
        settings = StackSettings.from_env(os.environ)
        _refuse_without_stack(settings)
        os.environ.update(stack_variables(settings))  # boto3 and MLflow read their servers and keys from there
        credentials = load_or_generate(settings.state / "secrets.json")
        pipeline = _pipeline(settings, credentials, progress, arguments.as_of.isoformat())
        runs = pipeline.complete(force=arguments.force)
        _conclude(settings, credentials, pipeline, runs)
    except RunFailed as failed:
        sys.stderr.write(f"\n{failed}\n")
        return RUN_FAILED
    except ArrearsError as wrong:
        sys.stderr.write("\n" + "".join(f"{problem}\n" for problem in wrong.problems))
        return wrong.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\nthe runs go on in Airflow; the same command follows them again\n")
        return 130
    return EXIT_OK


def _refuse_without_stack(settings: StackSettings) -> None:
    if not Supervisor(settings).is_running():
        raise UpstreamNotReady(f"no stack runs in {settings.state}: run `make demo`, or `make up` first")


def _pipeline(settings: StackSettings, credentials: Credentials, progress: RunProgress, as_of: str) -> Pipeline:
    operations = Settings.from_env(os.environ)
    return Pipeline(
        AirflowClient(settings.ports.airflow, credentials.airflow_password),
        Mailbox(settings.ports.mail),
        Evidence(operations.addresses, operations.dataset, as_of, Objects(), Models()),
        Notes(settings.state / "demo" / "runs.json", as_of),
        progress,
    )


def _conclude(settings: StackSettings, credentials: Credentials, pipeline: Pipeline, runs: Sequence[Finished]) -> None:
    seconds = pipeline.progress.elapsed
    page = report_page(pipeline.evidence, settings.state / "demo")
    parts = [summary(pipeline.evidence, runs), welcome(settings, credentials)]
    if page:
        parts.append(f"Model report: {page.path.as_uri()}\n  (in S3: {page.address})\n")
    parts.append(costs(settings, runs, seconds))
    sys.stdout.write("\n" + "\n".join(parts))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.demo",
        description="Take real borrowers from their source to scores and mails, through Airflow, on the local stack.",
    )
    parser.add_argument("--force", action="store_true", help="run all four DAGs again, whole or not")
    parser.add_argument("--as-of", type=date.fromisoformat, default=AS_OF, help=f"business date ({AS_OF})")
    parser.add_argument("--begun", type=float, default=time.time(), help="seconds since 1970 to count the time from")
    return parser


if __name__ == "__main__":
    sys.exit(main())
