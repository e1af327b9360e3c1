"""How a text file is written: its characters, separator, quotes, and which of its lines are no rows."""

from __future__ import annotations

from dataclasses import dataclass

BLANKS = " "  # as a separator: any run of blanks

SEPARATOR_NAMES = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "vertical bar",
    "\x01": "control A",
    "~": "tilde",
    "^": "circumflex",
    BLANKS: "runs of blanks",
}


@dataclass(frozen=True)
class Dialect:
    """How the lines of one text file become fields.

    Attributes:
        encoding: Python's name of it.
        separator: one character. A blank stands for any run of blanks.
        quote: the character round fields that hold the separator, a quote or a line break.
        escape: the character before a quote within quotes. None: such a quote is doubled.
        skip_lines: lines before the header (before the first row, where there is none).
        header: whether a line names the columns.
        comment: what a line begins with that is neither header nor row. None: no line is a comment.
        closing_separator: whether every row ends with a separator behind its last field.
        row_names: whether every row has one field more than the header, in front. R writes row names so.
    """

    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    escape: str | None = None
    skip_lines: int = 0
    header: bool = True
    comment: str | None = None
    closing_separator: bool = False
    row_names: bool = False

    def notes(self) -> list[str]:
        """What a reader should know: each way in which the file is not the plainest."""
        told = {
            f"characters are read as {self.encoding}": self.encoding.startswith(("utf-16", "utf-32")),
            f"characters are read as {self.encoding}, a guess: give encoding if names or levels look wrong": (
                not self.encoding.startswith("utf")
            ),
            f"fields are separated by {SEPARATOR_NAMES.get(self.separator, repr(self.separator))}": (
                self.separator != ","
            ),
            f"fields are quoted by {self.quote}": self.quote != '"',
            f"quotes within quotes are escaped by {self.escape}": self.escape is not None,
            f"{lines(self.skip_lines)} above the table left out": self.skip_lines > 0,
            "no line names the columns": not self.header,
            "the separator at the end of each line closes no field": self.closing_separator,
            "the first field of each row has no name in the header, as row numbers have none": self.row_names,
        }
        return [note for note, holds in told.items() if holds]


def lines(count: int) -> str:
    """A number of lines in words.

    >>> lines(1), lines(1200)
    ('1 line', '1,200 lines')
    """
    return "1 line" if count == 1 else f"{count:,} lines"
