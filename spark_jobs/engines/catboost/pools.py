"""Rows from Parquet into CatBoost's pool: one float32 array, column by column, quantised and given back.

Row groups are read one after another into an array that has its full size from the start, so nothing is ever held
twice: neither as Arrow tables, nor sorted and unsorted, nor as numbers and as the bytes that CatBoost keeps of them.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from arrears.scoring.batch import number_matrix, words_column
from arrears.scoring.columns import level_column
from spark_jobs.engines.catboost.catboost_options import quantising
from spark_jobs.engines.examples import made_up_borrower
from spark_jobs.engines.interface import TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, ReadSlices

EXAMPLE_ROWS = 1000


class TrainingColumns:
    """The rows of some slices, column by column, in the order of a sort key: the same whatever files they lie in.

    Attributes:
        numbers: float32, inputs by rows. The encoded categories last.
        labels: one a row.
        weights: one a row. None where all count alike.
        rows, dropped_rows: how many there are, and how many were left out as outliers.
        first_rows: the first rows in that order as they came, for a made-up example.
    """

    def __init__(self, spec: TrainingSpec, sort_key: str, slices: Sequence[FileSlice], read: ReadSlices) -> None:
        self._spec, self._sort_key = spec, sort_key
        self.names = number_names(spec)
        self._capacity = sum(piece.rows for piece in slices)
        # Private pages of our own: CatBoost's pool keeps a reference to its input even when it is quantised, so memory
        # that numpy owns would stay to the end of the training.
        self._pages = mmap.mmap(-1, max(4, 4 * self._capacity * len(self.names)), flags=_PRIVATE)
        self._flat = np.frombuffer(self._pages, dtype=np.float32)
        self.numbers = self._flat[: self._capacity * len(self.names)].reshape(len(self.names), self._capacity)
        self.labels = np.empty(self._capacity, dtype=np.int32)
        self.weights = np.empty(self._capacity, dtype=np.float64) if spec.weight else None
        self._order = np.empty(self._capacity, dtype=np.int64)
        self._levels = {name: _Levels(self._capacity) for name in level_names(spec)}
        self._texts = {name: np.empty(self._capacity, dtype=object) for name in spec.text}
        self.rows, self.dropped_rows = 0, 0
        self.first_rows: pa.Table | None = None
        for group in _read_ahead(slices, columns_of(spec, sort_key), read):
            self._add(group)
        self._sort()
        pa.default_memory_pool().release_unused()

    def pool(self) -> Any:
        """CatBoost's pool, which looks at the array without a copy."""
        pool = self._unweighted_pool()
        if self.weights is not None:
            pool.set_weight(self.weights)
        return pool

    def _unweighted_pool(self) -> Any:
        from catboost import Pool

        if not self._levels and not self._texts:
            return Pool(self.numbers.T, label=self.labels, feature_names=self.names, thread_count=self._spec.threads)
        import pandas as pd

        inputs: dict[str, Any] = {name: self.numbers[place] for place, name in enumerate(self.names)}
        inputs |= {name: levels.column() for name, levels in self._levels.items()} | self._texts
        frame = pd.DataFrame(inputs, copy=False)
        return Pool(
            frame,
            label=self.labels,
            cat_features=list(self._levels),
            text_features=list(self._texts) or None,
            thread_count=self._spec.threads,
        )

    def give_back(self) -> None:
        """Returns the array's memory to the system. Its numbers read as 0 from now on."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._pages.madvise(mmap.MADV_DONTNEED)

    def _add(self, group: pa.Table) -> None:
        spec = self._spec
        usable = spec.preparation.drop_outliers(group)
        self.dropped_rows += group.num_rows - usable.num_rows
        place = slice(self.rows, self.rows + usable.num_rows)
        rated = [rates.column for rates in spec.encoded]
        ready = spec.preparation.apply(usable, spec.numeric, [*rated, *spec.categorical])
        own_numbers = self.names[: len(self.names) - len(rated)]
        number_matrix(ready, own_numbers, spec.encoded, out=self.numbers[:, place].T)
        for name, levels in self._levels.items():
            levels.add(level_column(ready.column(name)), place)
        for name, texts in self._texts.items():
            texts[place] = words_column(usable.column(name))
        self.labels[place] = usable.column(spec.label).to_numpy()
        if spec.weight and self.weights is not None:
            self.weights[place] = usable.column(spec.weight).to_numpy()
        self._order[place] = usable.column(self._sort_key).to_numpy()
        self.rows = place.stop
        self.first_rows = _first(self.first_rows, usable, self._sort_key)

    def _sort(self) -> None:
        """Brings the columns into order one by one, closing the gap that dropped rows leave at the end."""
        rows, order = self.rows, np.argsort(self._order[: self.rows], kind="stable")
        for place in range(len(self.names)):
            self._flat[place * rows : (place + 1) * rows] = self.numbers[place, :rows][order]
        self.numbers = self._flat[: rows * len(self.names)].reshape(len(self.names), rows)
        self.labels = self.labels[:rows][order]
        self.weights = None if self.weights is None else self.weights[:rows][order]
        self._texts = {name: texts[:rows][order] for name, texts in self._texts.items()}
        for levels in self._levels.values():
            levels.codes = levels.codes[:rows][order]
        self._order = self._order[:0]


class _Levels:
    """One category column as codes, and the levels that they stand for."""

    def __init__(self, capacity: int) -> None:
        self.codes = np.empty(capacity, dtype=np.int32)
        self._code_of: dict[str, int] = {}

    def add(self, levels: pa.Array, place: slice) -> None:
        encoded = levels.dictionary_encode()
        code_of = self._code_of
        codes = [code_of.setdefault(level, len(code_of)) for level in encoded.dictionary.to_pylist()]
        self.codes[place] = np.array(codes, dtype=np.int32)[encoded.indices.to_numpy(zero_copy_only=False)]

    def column(self) -> Any:
        import pandas as pd

        return pd.Categorical.from_codes(self.codes, categories=list(self._code_of))


def quantised(columns: TrainingColumns, spec: TrainingSpec, borders: str | None) -> Any:
    """The rows as one byte a number, cut at the given borders or at CatBoost's own. The array is given back.

    Texts cannot be quantised (CatBoost 1.2.10 dies of it): their pool stays as it is.
    """
    pool = columns.pool()
    if spec.text:
        return pool
    if borders is None:
        pool.quantize(**quantising(spec))
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "borders.tsv")
            path.write_text(borders)
            pool.quantize(input_borders=str(path), **quantising(spec))
    columns.give_back()
    return pool


def weigh_for_stopping(pool: Any, labels: npt.NDArray[Any], spec: TrainingSpec) -> None:
    """Lets the rows of a validation slice count as the training rows do, where those are resampled."""
    if spec.stopping_weights != (1.0, 1.0):
        pool.set_weight(np.where(labels == 1, spec.stopping_weights[1], spec.stopping_weights[0]))


def borders_of(pool: Any) -> str:
    """Where a quantised pool's numbers are cut, and where its missing values lie."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "borders.tsv")
        pool.save_quantization_borders(str(path))
        return path.read_text()


def shared_borders(spec: TrainingSpec, sort_key: str, slices: Sequence[FileSlice], read: ReadSlices) -> str:
    """Borders from some rows, for shards that must all cut alike.

    A row without any value is added: what is never missing in these rows may be in another shard.
    """
    from catboost import Pool

    columns = TrainingColumns(spec, sort_key, slices, read)
    missing = np.full((1, len(columns.names)), np.nan, dtype=np.float32)
    pool = Pool(np.asfortranarray(np.vstack([columns.numbers.T, missing])), thread_count=spec.threads)
    pool.quantize(**quantising(spec))
    return borders_of(pool)


def example_of(columns: TrainingColumns, spec: TrainingSpec) -> dict[str, float | str | None]:
    """Medians and commonest levels of the first rows, as they came: a borrower who does not exist."""
    example = {} if columns.first_rows is None else made_up_borrower(columns.first_rows, spec)
    return {**example, **dict.fromkeys(spec.text, "")}


def number_names(spec: TrainingSpec) -> list[str]:
    """The model's numeric inputs, after preparation."""
    numeric, _ = spec.preparation.outputs(spec.numeric, spec.categorical)
    return [*numeric, *(rates.column for rates in spec.encoded)]


def level_names(spec: TrainingSpec) -> tuple[str, ...]:
    """The model's categories, after preparation."""
    return spec.preparation.outputs(spec.numeric, spec.categorical)[1]


def columns_of(spec: TrainingSpec, sort_key: str) -> list[str]:
    """What is read of each row."""
    rated = (rates.column for rates in spec.encoded)
    weight = [spec.weight] if spec.weight else []
    return [*spec.numeric, *rated, *spec.categorical, *spec.text, spec.label, sort_key, *weight]


def _read_ahead(slices: Sequence[FileSlice], columns: Sequence[str], read: ReadSlices) -> Iterator[pa.Table]:
    """Row group by row group. The next is read while one is worked on."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = [reader.submit(read, [piece], columns) for piece in slices[:1]]
        for following in [*slices[1:], None]:
            group = coming.pop().result() if coming else None
            if following is not None:
                coming.append(reader.submit(read, [following], columns))
            if group is not None:
                yield group


def _first(earlier: pa.Table | None, rows: pa.Table, sort_key: str) -> pa.Table:
    """The first rows of both, in order."""
    least = pc.select_k_unstable(rows, k=min(EXAMPLE_ROWS, rows.num_rows), sort_keys=[(sort_key, "ascending")])
    both = rows.take(least)
    if earlier is not None:
        both = pa.concat_tables([earlier, both], promote_options="permissive")
    return both.take(pc.sort_indices(both, sort_keys=[(sort_key, "ascending")])[:EXAMPLE_ROWS])


_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
