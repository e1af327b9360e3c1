"""The report on a model stands alone, hides nothing, and lets nothing in; plots are real PNG files."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from arrears.contracts.gate_rules import GateRules
from arrears.model.gate.promotion import Decision, decide
from arrears.model.metrics.curves import Curves
from arrears.model.metrics.cutoffs import APPROVE_ALL, Cutoff
from arrears.model.metrics.explanations import Dependence, Explanation
from arrears.model.metrics.findings import AucDifference, CalibrationCheck, Comparison
from arrears.model.metrics.profit import ProfitPoint
from arrears.reports import policy_figures
from arrears.reports.figures import feature_importance, roc_curve, score_histogram
from arrears.reports.model_figures import dependence_plot, model_plots
from arrears.reports.model_page import PLOTS, render_model_page
from arrears.reports.model_summary import in_short
from arrears.reports.model_tables import METRICS
from tests.unit.reports.made_up_report import (
    HOSTILE,
    PNG,
    a_curve,
    a_full_page,
    a_page,
    a_segment,
    an_evaluation,
    an_explanation,
    bare_findings,
    full_findings,
    some_curves,
    verdicts,
    without_cutoff,
)

EVERY_PLOT = [
    "roc_curve",
    "score_histogram",
    "precision_recall",
    "ks_curve",
    "calibration",
    "deciles",
    "profit_curve",
    "feature_importance",
    "dependence",
    "segments",
    "fairness",
    "stability",
]
SECTIONS = ("gate", "ranking", "calibration", "cutoff", "features", "segments", "fairness", "stability", "scorecard")


class Reader(HTMLParser):
    """Collects every tag, every id, and every attribute that could fetch something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]


def words(page: str) -> str:
    """The text of a page without tags, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("</style>")[2]).split())


@pytest.fixture(scope="module")
def every_plot() -> dict[str, bytes]:
    return model_plots(full_findings(), champion=some_curves(), profit=a_curve(), explanation=an_explanation())


def test_every_plot_is_a_png_small_enough_for_a_mail_and_says_how_to_read_it(every_plot: dict[str, bytes]) -> None:
    assert list(every_plot) == EVERY_PLOT == list(PLOTS)
    assert all(png.startswith(PNG) and len(png) < 150_000 for png in every_plot.values())


def test_page_shows_every_plot_and_fetches_and_runs_nothing(every_plot: dict[str, bytes]) -> None:
    text = render_model_page(a_full_page(plots=every_plot, links={}))
    page = Reader(text)
    fetched = [source for source in page.sources if not source.startswith("#")]
    assert len(fetched) == len(EVERY_PLOT)
    assert all(source.startswith("data:image/png;base64,") for source in fetched)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "url(" not in text
    assert "@import" not in text
    for note in PLOTS.values():
        assert note in words(text)


def test_page_has_a_section_for_all_that_was_found_and_contents_that_lead_there() -> None:
    page = Reader(render_model_page(a_full_page()))
    assert set(page.ids) >= {*SECTIONS, "origin"}
    assert [source[1:] for source in page.sources if source.startswith("#")] == page.ids


def test_page_leaves_out_what_was_not_found() -> None:
    text = render_model_page(a_page())
    page = Reader(text)
    assert page.ids == ["ranking", "calibration", "cutoff"]
    assert [source[1:] for source in page.sources if source.startswith("#")] == page.ids
    for absent in ("Verdict", "Difference", "Profit", "SHAP", "PSI", "None", "nan"):
        assert absent not in words(text)


def test_points_that_only_rank_are_said_to() -> None:
    assert "Points rank." in words(render_model_page(a_full_page(points_note="Points rank.")))


def test_page_escapes_every_value() -> None:
    text = render_model_page(a_full_page(HOSTILE))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 24
    assert "https://example.com/&lt;script" in text


def test_link_is_left_out_when_it_is_no_web_address() -> None:
    page = Reader(render_model_page(a_page(links={"bad": "javascript:alert(1)", "good": "http://127.0.0.1:5000/"})))
    outside = [source for source in page.sources if not source.startswith(("data:", "#"))]
    assert outside == ["http://127.0.0.1:5000/"]


def test_every_metric_is_shown_with_its_meaning() -> None:
    text, found = render_model_page(a_page()), an_evaluation().to_dict()
    for metric in METRICS:
        assert metric.meaning in text
        assert f'<td class="number">{found[metric.field]:.4f}</td>' in text


def test_difference_to_the_champion_is_shown_when_there_is_one() -> None:
    findings = bare_findings(auc_difference=AucDifference(0.02, -0.0011, 0.0411))
    text = render_model_page(a_page(findings=findings, champion=an_evaluation(auc=0.73), champion_name="version 3"))
    assert "version 3" in text
    assert "+0.0200" in text
    assert "-0.0011 to +0.0411" in words(text)


@pytest.mark.parametrize(("outcome", "says"), [("promoted", "promote"), ("kept", "keep"), ("refused", "refuse")])
def test_verdict_stands_above_all_with_its_reasons_and_every_rule_below(outcome: str, says: str) -> None:
    decision = Decision(outcome, verdicts(True, False, True))  # type: ignore[arg-type]
    text = render_model_page(a_page(decision=decision))
    shown = words(text)
    assert shown.index(f"Verdict: {says}") < shown.index("AUC") < shown.index("Gate, rule by rule")
    assert "2 of 3 rules are met." in shown
    assert "<li>because 2</li>" in text
    assert re.findall(r">(met|not met)<", text) == ["met", "not met", "met"]
    assert "rule 2 &gt; 0.6 because 2 0.7100 0.6000 not met because 2" in shown


def test_override_is_told_beside_the_verdict() -> None:
    decision = Decision("promoted", verdicts(False), override="the regulator waits")
    assert "Overridden: the regulator waits." in words(render_model_page(a_page(decision=decision)))


def test_page_says_that_nobody_is_flagged_when_the_threshold_is_too_high() -> None:
    nobody = bare_findings(evaluation=an_evaluation(tp=0, fp=0))
    assert "Nobody scores that high" in render_model_page(a_page(findings=nobody))
    assert "Nobody scores that high" not in render_model_page(a_page())


def test_page_tells_how_the_cutoff_was_chosen_or_that_another_one_is_judged() -> None:
    own = Cutoff(0.5, "approval_rate", {}, {"approval_rate": 0.8, "bad_rate": 0.031, "profit": 0.0})
    text = words(render_model_page(a_page(cutoff=own)))
    assert "chosen by the rule approval rate on rows kept back from training, where it approved 80.0 %" in text
    assert "model's own cut-off is 0.25" in words(render_model_page(a_page(cutoff=replace(own, value=0.25))))


def test_page_and_summary_say_that_no_cutoff_is_set_and_count_no_decision() -> None:
    text = words(render_model_page(a_page(findings=bare_findings(evaluation=without_cutoff()))))
    assert "Look here: No cut-off is set: give margin and lgd (and exposure), or an approval rate." in text
    assert "At the cut-off No cut-off is set" in text
    for absent in ("false alarms", "Accuracy", "Precision"):
        assert absent not in text


def test_an_approval_rate_below_half_is_marked() -> None:
    few = bare_findings(evaluation=an_evaluation(tp=140, fp=2000, tn=807, fn=10))
    (told,) = [each for each in in_short(few, "", None) if "At the cut-off" in each.text]
    assert told.tone == "watch"
    assert "27.6 % of the applications" in told.text
    assert "fewer than 50% are approved" in told.text


def test_profit_is_told_of_a_hundred_applications_beside_the_best() -> None:
    text = words(render_model_page(a_page(profit=a_curve())))
    assert "Profit of 100 applications, unit of loan_amount 2.10 at most 3.30, cut-off 0.2" in text
    assert "exposure: loan_amount" in text


def test_profit_of_a_hundred_loans_is_drawn_in_the_unit_of_their_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    units = []
    monkeypatch.setattr(policy_figures, "draw_panels", lambda panels, **_: units.append(panels[0].title))
    for exposure in ("loan_amount", None):
        policy_figures.profit_curve(replace(a_curve(), exposure=exposure), top=0.5)
    assert units == [
        "Profit of 100 applications, in the unit of loan_amount",
        "Profit of 100 applications, in loan amounts",
    ]


def test_cutoff_that_declines_nobody_is_told_in_words() -> None:
    everyone = ProfitPoint(APPROVE_ALL, 1.0, 0.05, 0.06)
    text = words(render_model_page(a_page(profit=replace(a_curve(), best=everyone))))
    assert "at most 6.00, cut-off none (nobody is declined)" in text


def test_segments_and_groups_are_listed_in_full_and_gaps_are_named() -> None:
    text = words(render_model_page(a_full_page()))
    assert "state: state 1,234 56 4.5 % 5.0 % 0.660 0.610 to 0.710" in text
    assert "state: CA 1,234 56 4.5 % 5.0 % - one class only" in text
    assert "gender: f 900 81.0 % (78.0 to 84.0) 17.0 % (14.0 to 20.0) 0.72" in text
    assert "gender: x 12 81.0 % (78.0 to 84.0) 17.0 % (14.0 to 20.0) -" in text


def test_summary_warns_of_what_somebody_should_look_at() -> None:
    bad = replace(
        full_findings(),
        calibration=CalibrationCheck(0.08, 99.0, 0.0001, 10),
        stability=None,
        segments=(a_segment("NY", 0.6, spread=0.01), a_segment("TX", 0.8)),
    )
    warned = [
        sentence.text for sentence in in_short(bad, "version 3", a_curve(profit=-0.01)) if sentence.tone == "watch"
    ]
    assert len(warned) == 4
    assert "rejects them (p 0.0001)" in warned[0]
    assert "100 applications earn -1.00" in warned[1]
    assert "state NY, AUC 0.600" in warned[2]
    assert "1 of 2 segments" in warned[2]
    assert "gender f is approved 0.72 times as often" in warned[3]


@pytest.mark.parametrize(
    ("low", "high", "tone", "told"),
    [
        (0.001, 0.02, "good", "better beyond chance"),
        (-0.02, -0.001, "watch", "worse beyond chance"),
        (-0.01, 0.01, "plain", "may be chance"),
    ],
)
def test_summary_says_whether_the_difference_to_the_champion_may_be_chance(
    low: float, high: float, tone: str, told: str
) -> None:
    findings = bare_findings(auc_difference=AucDifference((low + high) / 2, low, high))
    against = next(sentence for sentence in in_short(findings, "version 3", None) if "version 3" in sentence.text)
    assert against.tone == tone
    assert told in against.text
    assert not any("version 3" in sentence.text for sentence in in_short(findings, "", None))


def test_importance_plot_shows_the_leading_features_alone() -> None:
    leading = {f"f{number:02}": 30.0 - number for number in range(20)}
    many = feature_importance(leading | {"weak": 0.1})
    assert many == feature_importance(leading | {"weaker": 0.05})
    assert many != feature_importance(leading)


def test_dependence_is_drawn_of_a_feature_that_is_constant_or_missing_everywhere() -> None:
    constant = Dependence("constant", (2.0, 2.0), (0.1, 0.1))
    missing = Dependence("missing", (None, None), (0.0, 0.0))
    assert dependence_plot([constant, missing]).startswith(PNG)


def test_model_without_contributions_has_importance_and_no_dependence() -> None:
    engine = Explanation("engine", {"income": 60.0, "age": 40.0})
    plots = model_plots(bare_findings(), explanation=engine)
    assert "feature_importance" in plots
    assert "dependence" not in plots
    text = words(render_model_page(a_page(explanation=engine)))
    assert "no exact contributions" in text
    assert "SHAP" not in text


def test_histogram_is_drawn_when_the_day_is_empty_or_the_limits_lie_above_all_scores() -> None:
    assert score_histogram([0] * 50).startswith(PNG)
    assert score_histogram([9] + [0] * 49, limits=(0.4, 0.7), as_of="2026-01-31").startswith(PNG)


def test_equal_figures_give_equal_bytes() -> None:
    assert roc_curve(an_evaluation(), some_curves()) == roc_curve(an_evaluation(), some_curves())
    assert roc_curve(an_evaluation(), some_curves()) != roc_curve(an_evaluation(auc=0.76), some_curves())


def test_importing_the_reports_loads_no_plotting_library() -> None:
    program = (
        "import sys, arrears.reports.model_figures, arrears.reports.model_page; "
        "sys.exit(sorted({'matplotlib', 'jinja2'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_curves_survive_json() -> None:
    assert Curves.from_dict(some_curves().to_dict()) == some_curves()


def test_champion_on_fewer_rows_is_compared_with_the_model_on_those() -> None:
    comparison = Comparison(1900, 95, 1057, an_evaluation(auc=0.74))
    findings = bare_findings(auc_difference=AucDifference(0.01, -0.0111, 0.0311))
    given = {"champion": an_evaluation(auc=0.73), "champion_name": "version 3", "comparison": comparison}
    text = render_model_page(a_page(findings=findings, **given))
    row = re.search(r'<tr><th scope="row">AUC <small.*?</tr>', text, re.DOTALL)
    assert row is not None
    assert re.findall(r'class="number">([^<]*)<', row[0]) == ["0.7500", "0.7300", "+0.0100"]
    told = " ".join(text.split())
    assert (
        "1,900 held-out borrowers that neither model has learnt from, with 95 defaults; 1,057 more that version 3"
        in told
    )
    assert "this model's AUC is 0.7400" in told.replace("&#39;", "'")
    assert "same rows" not in told


def test_page_says_why_nothing_is_compared() -> None:
    comparison = Comparison(37, 3, 2920, None, "it cannot be compared with the champion: only 37")
    text = render_model_page(a_page(champion_name="version 3", comparison=comparison))
    assert "Against version 3: it cannot be compared with the champion: only 37." in text


def test_page_without_declared_rules_says_so_instead_of_promote() -> None:
    metrics = {"auc": 0.75, "auc_low": 0.71, "unexplained_leaks": 0.0}
    text = render_model_page(a_page(decision=decide(metrics, None, GateRules())))
    assert "Verdict: no quality rule is set" in text
    assert "Verdict: promote this model" not in text
    assert "Verdict: promote this model" in render_model_page(
        a_page(decision=decide(metrics, None, GateRules(floors={"auc": 0.7})))
    )
