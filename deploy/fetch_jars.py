"""Fetch Spark's jars for Delta and S3 into one folder of the image: `python -m deploy.fetch_jars FOLDER`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from arrears.contracts.errors import ArrearsError
from local.progress import Progress
from local.tools.jars import ensure_jars


def main(folder: Path) -> int:
    """Fill the folder with the jars that the embedded stack uses. The exit status tells who must act."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        try:
            jars = ensure_jars(Path(scratch), os.environ, Progress())
        except ArrearsError as error:
            sys.stderr.write("\n".join(error.problems) + "\n")
            return error.exit_code
        for jar in jars:
            jar.replace(folder / jar.name)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
