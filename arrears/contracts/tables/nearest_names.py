"""Answers a name that is not there with those that it may have been meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST = 3
_LIKE = 0.7  # of difflib's ratio: one letter of four may differ


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The end of a sentence that names the nearest of these names. Empty where none is near.

    >>> did_you_mean("bad", ["BAD", "LOAN"])
    ': did you mean `BAD`?'
    >>> did_you_mean("income", ["state", "grade"])
    ''
    """
    near = nearest(name, names)
    return f": did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else ""


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """The names that differ from this one in case, signs or a few letters, nearest first, at most three.

    >>> nearest("loan id", ["loan_id", "LoanID", "bad"])
    ['loan_id', 'LoanID']
    """
    by_letters: dict[str, list[str]] = {}
    for one in dict.fromkeys(names):
        by_letters.setdefault(_letters(one), []).append(one)
    near = difflib.get_close_matches(_letters(name), by_letters, n=_MOST, cutoff=_LIKE)
    return [one for letters in near for one in by_letters[letters]][:_MOST]


def _letters(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())
