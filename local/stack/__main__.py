"""Run the embedded stack: `python -m local.stack up`, then `status`, `logs`, `env` and `down`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from arrears.contracts.errors import EXIT_OK, ArrearsError
from local.progress import Progress
from local.stack.down import take_down
from local.stack.log_tail import log_files, overview, show
from local.stack.restart import restart
from local.stack.status import status, welcome
from local.stack.up import bring_up, refuse_without_state
from local.stack_settings import StackSettings

NOT_ALL_RUNNING = 1

EPILOG = """\
Where things are (ARREARS_STATE, by default .arrears beside the Makefile): logs/, secrets.json, stack.env, s3/,
mlflow/, mail/, airflow/, spark/. What is slow to build is kept in ARREARS_TOOLS (.arrears/tools).
Ports: ARREARS_PORT_S3 7070, _MLFLOW 5500, _SPARK_MASTER 7077, _SPARK_UI 8090 (_SPARK_WORKER_1 and _2 follow it),
_SMTP 1025, _MAIL 8025, _AIRFLOW 8080. Everything listens on 127.0.0.1 alone.
To run a tool against the stack: eval "$(python -m local.stack env)"."""


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Do what the command line asks. Returns the exit status, which tells who must act."""
    arguments = _parser().parse_args(argv)
    try:
        settings = StackSettings.from_env(os.environ if environ is None else environ)
        return _run(arguments, settings, os.environ if environ is None else environ)
    except ArrearsError as wrong:
        for problem in wrong.problems:
            sys.stderr.write(f"{problem}\n")
        return wrong.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _run(arguments: argparse.Namespace, settings: StackSettings, environ: Mapping[str, str]) -> int:
    if arguments.command == "up":
        progress = Progress()
        stack = bring_up(settings, environ, progress)
        progress.say("the stack is up")
        sys.stdout.write("\n" + welcome(settings, stack.credentials))
    elif arguments.command == "down":
        take_down(settings, Progress())
    elif arguments.command == "status":
        now = status(settings)
        sys.stdout.write(now.text)
        return EXIT_OK if now.all_running else NOT_ALL_RUNNING
    elif arguments.command == "logs":
        if arguments.part is None and not arguments.follow:
            sys.stdout.write(overview(settings))
        else:
            show(log_files(settings, arguments.part), arguments.lines, follow=arguments.follow)
    elif arguments.command == "restart":
        restart(settings, arguments.part, Progress())
    else:
        refuse_without_state(settings)
        sys.stdout.write((settings.state / "stack.env").read_text())
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.stack",
        description="Run S3, Spark, MLflow, a mail catcher and Airflow on this machine, every one of them real.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="up|down|status|restart|logs|env")
    commands.add_parser("up", help="start what does not run yet and wait until all of it answers; may be repeated")
    commands.add_parser("down", help="stop everything and leave no process behind")
    commands.add_parser("status", help="show each part; exit 1 unless all are running")
    one = commands.add_parser("restart", help="stop one part and start it again; the others stay as they are")
    one.add_argument("part", nargs="?", metavar="PART", help="a name that `status` shows")
    logs = commands.add_parser("logs", help="show the newest line of each log, or the end of one")
    logs.add_argument("part", nargs="?", metavar="PART", help="a name that `status` shows, or supervisor")
    logs.add_argument("-f", "--follow", action="store_true", help="go on showing new lines until Ctrl-C")
    logs.add_argument("-n", "--lines", type=int, default=20, help="how many lines of each log (20)")
    commands.add_parser("env", help="print the environment of the stack as shell lines")
    return parser


if __name__ == "__main__":
    sys.exit(main())
