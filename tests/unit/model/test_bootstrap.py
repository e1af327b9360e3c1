"""Bootstrap replicates depend on the rows alone, and each is the AUC of its weighted rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.model.metrics import bootstrap
from arrears.model.metrics.bootstrap import RunningAreas, joined_aucs, poisson_weights
from tests.sums_in_memory import rank_sums

REPLICATES = 7


def sorted_rows(count: int, levels: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    scores = np.sort(random.integers(0, levels, count) / levels)
    labels = random.integers(0, 2, count)
    return scores, labels, random.integers(0, 2**64, count, dtype=np.uint64)


def areas_in_pieces(rows: tuple[np.ndarray, ...], cuts: list[int]) -> RunningAreas:
    running = RunningAreas(REPLICATES)
    for start, end in zip([0, *cuts], [*cuts, rows[0].size], strict=True):
        running.add(rows[0][start:end], rows[1][start:end], rows[2][start:end])
    running.close()
    return running


def test_draws_are_poisson_with_mean_1() -> None:
    draws = poisson_weights(np.random.default_rng(0).integers(0, 2**64, 50_000, dtype=np.uint64), 4)
    shares = [(draws == count).mean() for count in range(4)]
    assert draws.mean() == pytest.approx(1, abs=0.01)
    assert shares == pytest.approx([0.3679, 0.3679, 0.1839, 0.0613], abs=0.005)


def test_draws_of_two_replicates_do_not_go_together() -> None:
    draws = poisson_weights(np.arange(50_000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15), 3)
    assert np.corrcoef(draws) == pytest.approx(np.eye(3), abs=0.02)


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 1000), st.lists(st.integers(0, 40), max_size=4))
def test_each_replicate_is_the_auc_of_its_weighted_rows_when_rows_come_in_pieces(
    count: int, levels: int, seed: int, cuts: list[int]
) -> None:
    rows = sorted_rows(count, levels, seed)
    running = areas_in_pieces(rows, sorted(min(cut, count) for cut in cuts))
    found = joined_aucs(running.positives[None], running.negatives[None], running.areas[None])
    for auc, weights in zip(found, poisson_weights(rows[2], REPLICATES), strict=True):
        if not weights @ rows[1] or not weights @ (1 - rows[1]):
            assert np.isnan(auc)
        else:
            assert auc == pytest.approx(rank_sums(rows[0], rows[1], weights).auc, abs=1e-12)


def test_a_row_of_weight_2_counts_as_two_rows_of_one_borrower() -> None:
    scores, labels, hashes = sorted_rows(30, 5, 3)
    weights = np.arange(30) % 3
    weighted, repeated = RunningAreas(REPLICATES), RunningAreas(REPLICATES)
    weighted.add(scores, labels, hashes, weights.astype(float))
    repeated.add(*(np.repeat(column, weights) for column in (scores, labels, hashes)))
    for running in (weighted, repeated):
        running.close()
    assert weighted.areas == pytest.approx(repeated.areas)
    assert weighted.positives.tolist() == repeated.positives.tolist()


@settings(max_examples=20)
@given(st.integers(2, 40), st.integers(0, 1000))
def test_small_blocks_give_the_same_when_memory_is_short(count: int, seed: int) -> None:
    rows = sorted_rows(count, 4, seed)
    whole = areas_in_pieces(rows, [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "CELLS_PER_BLOCK", 3 * REPLICATES)
        pieces = areas_in_pieces(rows, [])
    assert pieces.areas.tolist() == whole.areas.tolist()


@given(st.integers(0, 1000))
def test_score_ranges_join_to_the_whole(seed: int) -> None:
    rows = sorted_rows(60, 12, seed)
    is_low = rows[0] < 0.5
    ranges = [areas_in_pieces(tuple(column[part] for column in rows), []) for part in (is_low, ~is_low) if part.any()]
    joined = joined_aucs(
        *(np.array([getattr(r, name) for r in ranges]) for name in ("positives", "negatives", "areas"))
    )
    whole = areas_in_pieces(rows, [])
    assert joined == pytest.approx(whole.areas / (whole.positives * whole.negatives), abs=1e-12)
