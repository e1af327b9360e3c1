"""Scoring holds a bounded number of rows at a time, and its tasks follow from the rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catboost import CatBoostClassifier, Pool

from arrears.scoring.batch import default_probabilities, level_matrix, model_input
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers.catboost_trees import CatBoostTrees
from spark_jobs.engines.row_groups import FileSlice
from spark_jobs.io.snapshots import read_batches
from spark_jobs.scoring import score_snapshot

ROWS = 3000
DOCUMENT = ModelDocument("loans", "v1", "catboost", ("income",), ("state",))


@pytest.fixture(scope="module")
def borrowers() -> pa.Table:
    random = np.random.default_rng(7)
    states = random.choice(["NY", "TX", "é", ""], ROWS)
    return pa.table(
        {
            "state": pa.array(states, mask=random.random(ROWS) < 0.1),
            "borrower_id": [f"b{number}" for number in range(ROWS)],
            "income": random.normal(size=ROWS),
        }
    )


@pytest.fixture(scope="module")
def piece(borrowers: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> FileSlice:
    """One row group of all rows."""
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pq.write_table(borrowers, path, row_group_size=ROWS)
    return FileSlice(Path(path).as_uri(), 0, ROWS)


@pytest.fixture(scope="module")
def scorer(borrowers: pa.Table) -> CatBoostTrees:
    fitted = CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False, thread_count=1)
    labels = np.random.default_rng(1).integers(0, 2, ROWS)
    return CatBoostTrees(fitted.fit(Pool(model_input(borrowers, DOCUMENT), labels)))


@pytest.mark.parametrize("cells", [7, 300, 2999, 10**9])
def test_any_batch_size_gives_the_same_scores_and_is_never_exceeded(
    cells: int, piece: FileSlice, borrowers: pa.Table, scorer: CatBoostTrees, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_snapshot, "CELLS_A_BATCH", 3 * cells)
    seen = []

    def watched(piece: FileSlice, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        for read in read_batches(piece, columns, rows):
            seen.append(read.num_rows)
            yield read

    found = pa.Table.from_batches(score_snapshot._score(piece, scorer, DOCUMENT, watched, ["borrower_id"]))

    assert max(seen) <= min(cells, ROWS)
    assert sum(seen) == ROWS
    assert found.column("borrower_id").to_pylist() == borrowers.column("borrower_id").to_pylist()
    assert found.column(score_snapshot.SCORE).to_pylist() == default_probabilities(borrowers, scorer, DOCUMENT).tolist()


def test_a_wide_table_is_read_by_fewer_rows_at_once() -> None:
    assert score_snapshot.rows_at_once(10) == score_snapshot.MOST_ROWS_A_BATCH
    assert score_snapshot.rows_at_once(2000) == score_snapshot.CELLS_A_BATCH // 2000
    assert score_snapshot.rows_at_once(10**9) == 1


def test_tasks_follow_from_the_rows_whatever_executors_have_registered() -> None:
    pieces = [FileSlice("file:///rows", number, 1_000_000) for number in range(40)]

    assert score_snapshot.task_count(pieces, 30) == 40
    assert score_snapshot.task_count(pieces, 3) == 6
    assert score_snapshot.task_count(pieces[:1], 30) == 1
    assert score_snapshot.task_count([FileSlice("file:///rows", n, 10) for n in range(500)], 30) == 1
    assert score_snapshot.task_count([], 30) == 1


def test_rows_of_a_level_share_one_object(borrowers: pa.Table) -> None:
    levels = level_matrix(borrowers, ["state"])

    assert len({id(level) for level in levels[:, 0]}) == 5
    assert set(levels[:, 0]) == {b"NY", b"TX", "é".encode(), b"", b"__missing__"}
