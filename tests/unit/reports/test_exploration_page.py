from __future__ import annotations

import dataclasses
import json
import math
import re
from html.parser import HTMLParser

import pytest

from arrears.model.features.binning import BinnedCounts, Bins
from arrears.model.features.exploration import (
    Associations,
    Exploration,
    ExploredFeature,
    NumberSummary,
    histogram_edges,
)
from arrears.model.features.information_value import feature_power
from arrears.reports import exploration_page
from arrears.reports.canvas import in_few_colours
from arrears.reports.exploration_figures import feature_plot, heat_map, overview
from arrears.reports.exploration_page import render_exploration_page

PNG = b"\x89PNG"
AGE = Bins("age", (30.0, 45.0, 60.0))
STATE = Bins("state", levels=("NY", "TX"))


def a_feature(bins: Bins, rows: tuple[int, ...], defaults: tuple[int, ...] | None, **given: object) -> ExploredFeature:
    counts = BinnedCounts(bins, rows, defaults)
    power = feature_power(counts, counts) if defaults is not None else None
    numbers = None
    if bins.levels is None:
        numbers = NumberSummary(42.0, 11.5, 18.0, 91.0, {0.01: 19.0, 0.5: 41.0, 0.99: 88.0})
    return dataclasses.replace(
        ExploredFeature(counts, counts, distinct_count=60, numbers=numbers, power=power), **given
    )


def an_exploration(*, labelled: bool = True, **given: object) -> Exploration:
    features = (
        a_feature(STATE, (300, 90, 5, 5), (20, 9, 1, 0) if labelled else None, drift=0.31),
        a_feature(AGE, (100, 100, 100, 60, 40), (25, 3, 1, 0, 1) if labelled else None, drift=0.02, meaning="Years."),
    )
    found = Exploration(
        dataset="bank",
        table="train",
        partition="0123456789abcdef",
        rows=400,
        defaults=30 if labelled else None,
        sampled_rows=400,
        features=features,
        associations=Associations(("state", "age"), ((1.0, 0.4), (0.4, 1.0))),
        compared=("decided 2024", "decided 2025"),
    )
    return dataclasses.replace(found, **given)


class _Links(HTMLParser):
    """Everything that a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in {"script", "link", "iframe"} else []
        self.found += [value or "" for name, value in attrs if name in {"src", "href"} or name.startswith("on")]


def test_the_page_names_what_was_looked_at_and_ranks_features_by_what_they_tell() -> None:
    text = render_exploration_page(an_exploration())
    for told in ("bank: train", "0123456789abcdef", "400 borrowers", "30 of them (7.50 %)", "decided 2024", "0.310"):
        assert told in text
    cards = re.findall(r"<h3>(\w+)", text)
    assert cards == ["age", "state"]
    assert "<small>Years.</small>" in text


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    links = _Links()
    links.feed(render_exploration_page(an_exploration()))
    assert links.found
    assert all(link.startswith("data:image/png;base64,") for link in links.found)


def test_a_page_without_labels_shows_no_rates() -> None:
    text = render_exploration_page(an_exploration(labelled=False))
    assert "no outcome yet" in text
    assert not any(told in text for told in ("Default rate", "AUC alone", "nformation value", "Weight of evidence"))


def test_the_page_says_when_nothing_was_compared_and_when_nothing_is_missing() -> None:
    features = (a_feature(STATE, (300, 90, 5, 0), (20, 9, 1, 0)), a_feature(AGE, (9, 9, 9, 9, 0), (1, 1, 1, 1, 0)))
    text = render_exploration_page(an_exploration(features=features, compared=None))
    assert "Nothing was compared" in text
    assert "No value is missing" in text
    assert "Drift (PSI)</th>" not in text


def test_names_from_the_data_are_escaped() -> None:
    hostile = "<script>alert(1)</script>"
    feature = a_feature(Bins(hostile, levels=(hostile, "a$b$")), (9, 9, 0, 2), (1, 2, 0, 1), meaning=hostile)
    names = Associations((hostile, "b"), ((1.0, math.nan), (math.nan, 1.0)))
    text = render_exploration_page(an_exploration(features=(feature,), associations=names))
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_page_of_very_many_features_lists_all_and_draws_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(exploration_page, "feature_plot", lambda feature: drawn.append(feature.name) or PNG)
    monkeypatch.setattr(exploration_page, "in_few_colours", lambda png: png)
    features = tuple(a_feature(Bins(f"f{n:03}", (1.0,)), (300, 80 + n % 7, 20), (20, n % 60, 1)) for n in range(770))
    text = render_exploration_page(an_exploration(features=features))
    assert len(drawn) == text.count("<article") == 200
    assert all(f"f{n:03}</th>" in text for n in range(770))
    assert "The first 200 of 770 features are drawn" in text
    assert len(text) < 2_000_000


def test_plots_are_small_pictures_for_every_kind_of_feature() -> None:
    many = Bins("state", levels=tuple(f"level {n}" for n in range(50)))
    wide = Bins("income", tuple(float(n) for n in range(0, 2_100, 100)))
    plots = [
        feature_plot(a_feature(AGE, (1, 2, 3, 4, 5), (0, 0, 1, 2, 1))),
        feature_plot(a_feature(AGE, (100, 200, 30, 4, 0), None)),
        feature_plot(a_feature(Bins("flat"), (0, 400), (0, 10))),
        feature_plot(a_feature(Bins("none", levels=()), (0, 400), (0, 10))),
        feature_plot(a_feature(many, (*range(100, 50, -1), 9, 40), (*[5] * 50, 1, 3))),
        feature_plot(a_feature(wide, (*[50] * 22, 7), (*[5] * 22, 2))),
        feature_plot(a_feature(wide, (*[50] * 22, 0), (*[5] * 22, 0))),
        heat_map(an_exploration().associations),
        overview(an_exploration()),
        overview(an_exploration(labelled=False)),
        overview(an_exploration(labelled=False, features=(), compared=None)),
    ]
    assert all(png.startswith(PNG) and len(png) < 90_000 for png in plots)
    assert len(set(plots)) == len(plots)
    few = in_few_colours(plots[-5])
    assert few.startswith(PNG)
    assert few == in_few_colours(plots[-5])
    assert len(few) < len(plots[-5]) / 2


def test_the_numbers_of_the_page_are_valid_json() -> None:
    undefined = Associations(("state", "age"), ((1.0, math.nan), (math.nan, 1.0)))
    found = json.loads(json.dumps(an_exploration(associations=undefined).to_dict(), allow_nan=False))
    assert found["associations"]["strengths"] == [[1.0, None], [None, 1.0]]
    state, age = found["features"]
    assert [entry["bin"] for entry in state["bins"]] == ["NY", "TX", "other levels", "missing"]
    assert state["bins"][1] | {"low": 0, "high": 0, "weight_of_evidence": 0} == {
        "bin": "TX", "rows": 90, "defaults": 9, "rate": 0.1, "low": 0, "high": 0, "weight_of_evidence": 0
    }  # fmt: skip
    assert (age["kind"], age["quantiles"]["0.5"], age["missing_share"]) == ("number", 41.0, 0.1)


def test_bars_have_equal_width_between_the_outer_percentiles() -> None:
    edges = histogram_edges([0.5, 3.0, 100.5], (1.0, 2.0, 50.0), distinct_count=900)
    assert (edges[0], edges[-1], len(edges)) == (0.5, 100.5, 21)
    assert edges[1] - edges[0] == pytest.approx(5.0)


def test_a_feature_of_few_or_small_whole_values_has_a_bar_for_each() -> None:
    assert histogram_edges([0.0, 1.0, 2.0], (0.0, 1.0), distinct_count=3) == (0.0, 1.0)
    assert histogram_edges([0.0, 1.0, 4.0], (0.0, 1.0), distinct_count=30) == (0.0, 1.0, 2.0, 3.0)
    assert histogram_edges([7.0, 7.0, 7.0], (6.0, 7.0), distinct_count=30) == (6.0, 7.0)
    assert histogram_edges([0.0, math.inf], (0.0,), distinct_count=30) == (0.0,)
