"""The header of a Weka (ARFF) file: the names of its attributes, and where its rows begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from arrears.contracts.errors import BadInput

COMMENT = "%"
_ATTRIBUTE = re.compile(r"@attribute\s+(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(\S+))\s+\S", re.IGNORECASE)


@dataclass(frozen=True)
class ArffHeader:
    """Names of the attributes, and the number of lines up to and with ``@data``."""

    names: tuple[str, ...]
    lines: int


def arff_header(lines: Sequence[str]) -> ArffHeader | None:
    """The header of an ARFF file. None: the lines begin another kind of file.

    Raises:
        BadInput: its rows do not begin within these lines, or are written sparsely.
    """
    filled = [line.strip() for line in lines if line.strip() and not line.startswith(COMMENT)]
    if not filled or not filled[0].lower().startswith("@relation"):
        return None
    names = [match[1] or match[2] or match[3] for match in map(_ATTRIBUTE.match, filled) if match]
    data = next((place for place, line in enumerate(lines) if line.strip().lower() == "@data"), None)
    if data is None or not names:
        raise BadInput("its ARFF header has no @data within the first 64 KB, or names no attribute")
    first = next((line.strip() for line in lines[data + 1 :] if line.strip() and not line.startswith(COMMENT)), "")
    if first.startswith("{"):
        raise BadInput("its ARFF rows are written sparsely: export them as dense ARFF or CSV")
    return ArffHeader(tuple(names), data + 1)
