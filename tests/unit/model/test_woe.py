"""Tables of weight of evidence hold the textbook's numbers, and bins found for them are monotone."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.model.features.monotone_bins import (
    counts_between,
    merged_sketch,
    monotone_cuts,
    narrow_edges,
    new_sketch,
    sketch_parts,
)
from arrears.scoring.woe import evidence_table

counts = st.tuples(st.integers(1, 500), st.integers(1, 500))


@given(st.lists(counts, min_size=1, max_size=8), counts)
def test_weights_and_information_value_are_those_of_the_formula(
    bins: list[tuple[int, int]], missing: tuple[int, int]
) -> None:
    table = evidence_table("x", bins, edges=range(len(bins) - 1), missing=missing)
    lines = [*bins, missing]
    good, bad = sum(n for n, _ in lines), sum(d for _, d in lines)
    expected = [math.log((n / good) / (d / bad)) for n, d in lines]
    assert [line.woe for line in (*table.bins, table.missing)] == pytest.approx(expected, abs=1e-12)
    value = sum((n / good - d / bad) * woe for (n, d), woe in zip(lines, expected, strict=True))
    assert table.information_value == pytest.approx(value, abs=1e-12)


def test_a_bin_of_one_class_stays_finite_and_an_empty_one_says_nothing() -> None:
    table = evidence_table("x", [(10, 0), (10, 10)], edges=[1.0])
    assert table.bins[0].woe == pytest.approx(math.log((10 / 20) / (0.5 / 10)))
    assert table.missing.woe == table.other.woe == 0.0


def test_a_number_on_an_edge_lies_below_it_and_the_ends_are_open() -> None:
    table = evidence_table("x", [(8, 2), (5, 5), (2, 8)], edges=[1.0, 2.0], missing=(1, 5))
    low, middle, high = (line.woe for line in table.bins)
    given_numbers = np.array([-np.inf, 1.0, np.nextafter(1.0, 2.0), 2.0, np.inf, np.nan])
    assert table.of_numbers(given_numbers).tolist() == [low, low, middle, middle, high, table.missing.woe]


def test_an_unseen_level_counts_as_a_rare_one() -> None:
    table = evidence_table("x", [(8, 2), (2, 8)], levels=[("a",), ("b", "c")], missing=(3, 1), other=(1, 3))
    good, bad = (line.woe for line in table.bins)
    texts = pa.array(["a", "c", "never seen", None, "b"])
    assert table.of_texts(texts).tolist() == [good, bad, table.other.woe, table.missing.woe, bad]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), min_size=1, max_size=12))
def test_default_rates_between_cuts_only_rise_or_only_fall(narrow: list[tuple[int, int]]) -> None:
    cuts = monotone_cuts(narrow)
    assert list(cuts) == sorted(set(cuts))
    assert set(cuts) <= set(range(1, len(narrow)))
    bins = counts_between(narrow, cuts)
    assert [sum(pair[k] for pair in bins) for k in (0, 1)] == [sum(pair[k] for pair in narrow) for k in (0, 1)]
    rates = [d / (n + d) for n, d in bins if n + d]
    assert rates == sorted(rates) or rates == sorted(rates, reverse=True)


def test_a_planted_step_is_where_the_cut_is() -> None:
    assert 6 in monotone_cuts([(95, 5)] * 6 + [(60, 40)] * 4)
    assert monotone_cuts([(95, 5), (94, 6), (60, 40), (60, 40)], trend="descending") == ()


@pytest.mark.parametrize("narrow", [[], [(5, 5)], [(5, 0), (7, 0)], [(0, 5), (0, 1)], [(0, 0), (0, 0)]])
def test_one_bin_or_one_class_is_not_cut(narrow: list[tuple[int, int]]) -> None:
    assert monotone_cuts(narrow) == ()


def test_merged_sketches_know_the_quantiles_of_all_their_numbers() -> None:
    random = np.random.default_rng(3)
    pieces = np.array_split(random.normal(size=20_000), 16)
    sketches = []
    for piece in pieces:
        sketches.append(new_sketch())
        for value in piece.tolist():
            sketches[-1].add(value)
    edges = narrow_edges(merged_sketch(map(sketch_parts, sketches)))
    everything = np.sort(np.concatenate(pieces))
    ranks = np.searchsorted(everything, edges) / len(everything)
    assert ranks == pytest.approx(np.arange(1, 20) / 20, abs=0.01)


def test_edges_are_values_below_the_maximum_so_that_no_bin_is_empty() -> None:
    sketch = new_sketch()
    for value in [0.0] * 70 + [1.0] * 20 + [2.0] * 10:
        sketch.add(value)
    assert narrow_edges(sketch) == (0.0, 1.0)
    assert narrow_edges(new_sketch()) == ()


def test_optbinning_is_imported_where_bins_are_fitted_and_says_nothing() -> None:
    fit = "from arrears.model.features.monotone_bins import monotone_cuts; import sys; "
    fit += "early = 'optbinning' in sys.modules; "
    script = fit + "cuts = monotone_cuts([(90, 10), (50, 50)]); raise SystemExit(1 if early or cuts != (1,) else 0)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
