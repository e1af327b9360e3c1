"""What the values of a text column look like, counted: how many fit which kind, and how many of them differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from arrears.sources.moments import DMY, MDY, MY, YMD, YYYYMM, YYYYMMDD, moment
from arrears.sources.value_shapes import LEADING_ZERO, shape_of

LOST_CHARACTER = "\ufffd"  # what a decoder writes for bytes that it cannot read
TEXT_SHAPE = "text"  # stands for every shape of words
_LONGEST_WORD = 12  # of a missing mark
_MOST_WORDS = 50
_MAYBE_WIDE = 19  # digits
SENTINELS = ("9999-12-31", "0001-01-01", "1900-01-01")  # days that a bank writes for none
_SKETCH = 512  # hashes kept: the number of different values is known within some 5 %
_MERSENNE = np.uint64(0x9E3779B97F4A7C15)

# What a date looks like, or the digits of a whole number → the orders in which it may be read.
_ORDERS: dict[str | int, tuple[str, ...]] = {
    "year first": (YMD,),
    "year last": (DMY, MDY),
    "month by name": (DMY,),
    "month and year": (MY,),
    6: (YYYYMM,),
    8: (YYYYMMDD,),
}

Hashes = npt.NDArray[np.uint64]


@dataclass
class ColumnProfile:
    """The values of one column, counted. Profiles of two parts of a column add up.

    Attributes:
        rows: values in all, missing ones among them.
        empty: values without any character but blanks.
        shapes: shape → values that have it. All words have one shape.
        words: short text without digits → how often it stands there. None: there are too many.
        orders: order of day, month and year → values that are a day of the calendar in it.
        sentinels: days that stand for none, such as 9999-12-31 → values that are it.
        beyond_64_bits: whole numbers that no 64 bits hold.
        lost: values that hold the mark of a character that was lost.
        longest: length of the longest value.
        smallest: the smallest hashes of the values, from which the number of different ones is estimated.
        digest: a sum over values and their places. Two columns that are equal in every row have the same.
    """

    rows: int = 0
    empty: int = 0
    shapes: Counter[str] = field(default_factory=Counter)
    words: Counter[str] | None = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    sentinels: Counter[str] = field(default_factory=Counter)
    beyond_64_bits: int = 0
    lost: int = 0
    longest: int = 0
    smallest: Hashes = field(default_factory=lambda: np.empty(0, np.uint64))
    digest: int = 0

    @classmethod
    def of(cls, column: pa.StringArray, *, place: int) -> ColumnProfile:
        """Counts trimmed values.

        Args:
            place: of the first value among all rows of the source.
        """
        encoded = column.dictionary_encode()
        values, codes = encoded.dictionary, np.asarray(encoded.indices)
        times = np.bincount(codes, minlength=len(values))
        hashes = pd.util.hash_array(np.asarray(values, dtype=object), categorize=False)
        places = (np.arange(place, place + len(codes), dtype=np.uint64) + np.uint64(1)) * _MERSENNE
        lengths = pc.utf8_length(values)
        is_empty = np.asarray(pc.equal(lengths, 0))
        profile = cls(
            rows=len(codes),
            empty=int(times[is_empty].sum()),
            lost=_times(values, times, LOST_CHARACTER),
            longest=int(pc.max(lengths).as_py() or 0),
            smallest=np.unique(hashes[~is_empty])[:_SKETCH],
            digest=int((hashes[codes] * places).sum(dtype=np.uint64)),
        )
        profile._count_shapes(values, times.tolist())
        return profile

    def plus(self, other: ColumnProfile) -> ColumnProfile:
        """The profile of both parts together."""
        words = None if self.words is None or other.words is None else self.words + other.words
        return ColumnProfile(
            **{name: getattr(self, name) + getattr(other, name) for name in _ADDED},
            words=words if words is None or len(words) <= _MOST_WORDS else None,
            longest=max(self.longest, other.longest),
            smallest=np.unique(np.concatenate([self.smallest, other.smallest]))[:_SKETCH],
            digest=(self.digest + other.digest) % 2**64,
        )

    @property
    def distinct(self) -> int:
        """Different values: exact below some hundred, else an estimate."""
        if len(self.smallest) < _SKETCH:
            return len(self.smallest)
        return min(self.present, int((_SKETCH - 1) * 2**64 / int(self.smallest[-1])))

    @property
    def present(self) -> int:
        """Values with at least one character."""
        return self.rows - self.empty

    def to_dict(self) -> dict[str, Any]:
        """Plain content for JSON."""
        return {**vars(self), "smallest": [int(each) for each in self.smallest]}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> ColumnProfile:
        """Reads what `to_dict` wrote."""
        words = content["words"]
        return cls(
            **{
                **content,
                **{name: Counter(content[name]) for name in ("shapes", "orders", "sentinels")},
                "words": None if words is None else Counter(words),
                "smallest": np.array(content["smallest"], np.uint64),
            }
        )

    def _count_shapes(self, values: pa.StringArray, times: list[int]) -> None:
        zero = pc.match_substring_regex(values, "^[^0-9]*0[0-9.,]")
        nines = pc.replace_substring_regex(values, "[0-9]", "9")
        shapes = pc.if_else(zero, pc.binary_join_element_wise(LEADING_ZERO, nines, ""), nines)
        for value, shape, count in zip(values.to_pylist(), shapes.to_pylist(), times, strict=True):
            if value:
                self._count(value, shape, count)

    def _count(self, value: str, shape: str, times: int) -> None:
        looks = shape_of(shape)
        if looks.kind in ("number", "date"):
            self.shapes[shape] += times
            if orders := _ORDERS.get(looks.style if looks.kind == "date" else looks.digits * looks.whole):
                self._count_moments(value, orders, times)
            elif looks.whole and looks.digits >= _MAYBE_WIDE:
                self.beyond_64_bits += times * (not -(2**63) <= int(value) < 2**63)
            return
        self.shapes[TEXT_SHAPE] += times
        if self.words is not None and len(value) <= _LONGEST_WORD and "9" not in shape:
            self.words[value] += times
            if len(self.words) > _MOST_WORDS:
                self.words = None

    def _count_moments(self, value: str, orders: tuple[str, ...], times: int) -> None:
        days = {order: moment(value, order) for order in orders}
        self.orders.update({order: times for order, day in days.items() if day is not None})
        for day in {day.date().isoformat() for day in days.values() if day is not None}.intersection(SENTINELS):
            self.sentinels[day] += times


_ADDED = ("rows", "empty", "shapes", "orders", "sentinels", "beyond_64_bits", "lost")


def total(profiles: Iterable[ColumnProfile]) -> ColumnProfile:
    """The profile of a whole column from those of its parts."""
    return reduce(ColumnProfile.plus, profiles, ColumnProfile())


def _times(values: pa.StringArray, times: npt.NDArray[np.int64], pattern: str) -> int:
    return int(times[np.asarray(pc.match_substring_regex(values, pattern))].sum())
