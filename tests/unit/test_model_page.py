"""The report on a model stands alone, hides nothing, and lets nothing in; plots are real PNG files."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from arrears.model.curves import HISTOGRAM_BINS, CalibrationGroup, CurvePoint, Curves
from arrears.model.decisions import Decision
from arrears.model.gate import Verdict
from arrears.model.metrics import Evaluation
from arrears.reports.figures import feature_importance, model_plots, roc_curve, score_histogram
from arrears.reports.model_page import METRICS, ModelPage, render_model_page

HOSTILE = "<script>alert(1)</script>\"'&"
PNG = b"\x89PNG\r\n\x1a\n"


def an_evaluation(**changes: float) -> Evaluation:
    given = {"auc": 0.75, "auc_low": 0.71, "auc_high": 0.79, "gini": 0.5, "ks": 0.4, "auc_pr": 0.2, "log_loss": 0.18}
    given |= {"brier": 0.045, "rows": 2957, "defaults": 150, "threshold": 0.5, "accuracy": 0.949, "precision": 0.4}
    given |= {"recall": 0.013, "f1": 0.026, "tp": 2, "fp": 3, "tn": 2804, "fn": 148}
    return Evaluation(**(given | changes))  # type: ignore[arg-type]


def some_curves() -> Curves:
    points = (CurvePoint(0.9, 0.5, 0.1, 0.4), CurvePoint(0.2, 0.8, 0.4, 0.2), CurvePoint(0.1, 1.0, 1.0, 0.05))
    bins = (5,) * HISTOGRAM_BINS
    groups = (CalibrationGroup(0.1, 0.08, 50), CalibrationGroup(0.5, 0.6, 50))
    return Curves(points, bins, bins, groups, tuple(step / 1000 for step in range(1001)))


def a_page(**changes: object) -> ModelPage:
    page = ModelPage("pd_loans", "loans", "abc123", an_evaluation(), {"roc_curve": PNG})
    return replace(page, **changes)  # type: ignore[arg-type]


class Reader(HTMLParser):
    """Collects every tag and every attribute that could fetch something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]


def test_page_fetches_and_runs_nothing() -> None:
    text = render_model_page(a_page(plots=model_plots(an_evaluation(), some_curves(), importance={"a": 1.0})))
    page = Reader(text)
    assert page.sources
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "url(" not in text
    assert "@import" not in text


def test_page_escapes_every_value() -> None:
    page = a_page(
        title=HOSTILE,
        dataset=HOSTILE,
        dataset_version=HOSTILE,
        champion=an_evaluation(),
        champion_name=HOSTILE,
        floors={HOSTILE: 0.6},
        decision=Decision("kept", (Verdict("a rule", None, None, True, HOSTILE),)),
        parameters={HOSTILE: HOSTILE},
        importance={HOSTILE: 1.0},
        provenance={HOSTILE: HOSTILE},
        links={HOSTILE: f"https://example.com/{HOSTILE}"},
        plots={HOSTILE: PNG},
    )
    text = render_model_page(page)
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 14
    assert "https://example.com/&lt;script" in text


def test_link_is_left_out_when_it_is_no_web_address() -> None:
    page = Reader(render_model_page(a_page(links={"bad": "javascript:alert(1)", "good": "http://127.0.0.1:5000/"})))
    assert [source for source in page.sources if not source.startswith("data:")] == ["http://127.0.0.1:5000/"]


def test_every_metric_is_shown_with_its_meaning() -> None:
    text, found = render_model_page(a_page()), an_evaluation().to_dict()
    for metric in METRICS:
        assert metric.meaning in text
        assert f'<td class="number">{found[metric.field]:.4f}</td>' in text


def test_difference_to_the_champion_is_shown_when_there_is_one() -> None:
    text = render_model_page(a_page(champion=an_evaluation(auc=0.73), champion_name="version 3"))
    assert "version 3" in text
    assert "+0.0200" in text
    assert "Difference" not in render_model_page(a_page())


def test_floor_is_not_met_when_the_metric_only_reaches_it_or_is_missing() -> None:
    text = render_model_page(a_page(floors={"auc": 0.75, "auc_low": 0.70, "lift": 2.0}))
    assert re.findall(r"<td>(met|not met)</td>", text) == ["not met", "met", "not met"]
    assert "not measured" in text


def test_page_says_that_nobody_is_flagged_when_the_threshold_is_too_high() -> None:
    assert "Nobody scores that high" in render_model_page(a_page(evaluation=an_evaluation(tp=0, fp=0)))
    assert "Nobody scores that high" not in render_model_page(a_page())


@pytest.mark.parametrize(("outcome", "says"), [("promoted", "promote"), ("kept", "keep"), ("refused", "refuse")])
def test_verdict_gives_its_reasons(outcome: str, says: str) -> None:
    text = render_model_page(a_page(decision=Decision(outcome, (Verdict("a rule", None, None, False, "because"),))))  # type: ignore[arg-type]
    assert f"Verdict: {says}" in text
    assert "<li>because</li>" in text


def test_every_plot_is_a_png_small_enough_for_a_mail() -> None:
    plots = model_plots(an_evaluation(), some_curves(), importance={"a$b$": 2.0, "x" * 80: 1.0}, champion=some_curves())
    plots["day"] = score_histogram([3, 0, 1, 0], limits=(0.1, 0.6), as_of="2026-01-31")
    assert list(plots) == [
        "roc_curve",
        "score_histogram",
        "precision_recall",
        "ks_curve",
        "calibration",
        "feature_importance",
        "day",
    ]
    assert all(png.startswith(PNG) and len(png) < 150_000 for png in plots.values())


def test_importance_plot_shows_the_leading_features_alone() -> None:
    leading = {f"f{number:02}": 30.0 - number for number in range(20)}
    many = feature_importance(leading | {"weak": 0.1})
    assert many == feature_importance(leading | {"weaker": 0.05})
    assert many != feature_importance(leading)


def test_histogram_is_drawn_when_the_day_is_empty_or_the_limits_lie_above_all_scores() -> None:
    assert score_histogram([0] * 50).startswith(PNG)
    assert score_histogram([9] + [0] * 49, limits=(0.4, 0.7)).startswith(PNG)


def test_equal_figures_give_equal_bytes() -> None:
    assert roc_curve(an_evaluation(), some_curves()) == roc_curve(an_evaluation(), some_curves())
    assert roc_curve(an_evaluation(), some_curves()) != roc_curve(an_evaluation(auc=0.76), some_curves())


def test_importing_the_reports_loads_no_plotting_library() -> None:
    program = (
        "import sys, arrears.reports.figures, arrears.reports.model_page; "
        "sys.exit(sorted({'matplotlib', 'jinja2'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_curves_survive_json() -> None:
    assert Curves.from_dict(some_curves().to_dict()) == some_curves()
