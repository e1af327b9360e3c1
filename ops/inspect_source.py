"""Look at a bank's file before anything is written: `make inspect SOURCE=loans.csv TARGET=bad`.

Says what was recognised, converted and left out, what looks suspicious, and proposes a description to be completed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath

import yaml

from arrears.contracts.errors import EXIT_OK, ArrearsError, BadConfiguration, BadInput
from arrears.contracts.tables.protected_names import protected_attribute
from arrears.sources.compression import TEXT
from arrears.sources.file_facts import facts_of
from arrears.sources.inspection import Inspection
from arrears.stores.objects import Objects
from arrears.stores.source_listing import delivery


def main(argv: Sequence[str] | None = None) -> int:
    """Inspect a source and print the report. Returns the exit status, which tells who must act."""
    arguments = _parser().parse_args(argv)
    try:
        found = inspected(arguments.source, arguments.target)
        if arguments.target and arguments.target not in found.profiles:
            raise BadInput(f"the source has no column {arguments.target}: its columns are {', '.join(found.profiles)}")
    except ArrearsError as wrong:
        sys.stderr.write("".join(f"{problem}\n" for problem in wrong.problems))
        return wrong.exit_code
    print(report(found, arguments.source, arguments.target))
    return EXIT_OK


def inspected(source: str, target: str | None) -> Inspection:
    """Reads all files of a source to their end.

    Raises:
        BadConfiguration: nothing lies there, or it is no text: Parquet and Delta say their types themselves.
        BadInput: the files are no tables. Names every problem.
    """
    objects = Objects()
    files = delivery(source, objects)
    if files.kind != TEXT:
        raise BadConfiguration(f"{source} is {files.kind}, which says itself how it is read: only text is inspected")
    facts = [
        facts_of(partial(objects.open, file.uri), file.name, place=place, expected=[target] if target else [])
        for place, file in enumerate(files.files)
    ]
    found = Inspection.of(facts)
    if found.problems:
        raise BadInput(*found.problems)
    return found


def report(found: Inspection, source: str, target: str | None) -> str:
    """What a person reads: the columns, the notes, and the description to be completed."""
    name = re.sub(r"\W+", "_", PurePosixPath(source.rstrip("/")).name.split(".")[0]).strip("_").lower() or "data"
    protected = [column for column in found.profiles if protected_attribute(column)]
    described = yaml.safe_dump(
        found.description(name, target, protected),
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=110,
    )
    notes = "".join(f"  {note}\n" for note in found.notes) or "  nothing\n"
    asked = "" if target else "# target: name the column that tells default, and bad_when what it says then\n"
    return (
        f"{source}: {found.rows:,} rows, {len(found.profiles)} columns\n\n{found.table()}\n\nto know:\n{notes}\n"
        f"description, to be completed and given as `description`:\n\n{asked}{described}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make inspect", usage="make inspect SOURCE=… [TARGET=…]", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("source", help="a text file or a folder of text files, a path or s3://")
    parser.add_argument("target", nargs="?", help="column that tells default, where it is known")
    return parser


if __name__ == "__main__":
    sys.exit(main())
