"""The report on one model: a single HTML file that opens anywhere, with nothing to fetch and nothing to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from arrears.model.gate.promotion import Decision
from arrears.model.metrics.cutoffs import Cutoff
from arrears.model.metrics.default_metrics import Evaluation
from arrears.model.metrics.explanations import Explanation
from arrears.model.metrics.findings import Comparison, Findings
from arrears.model.metrics.profit import ProfitCurve
from arrears.model.metrics.rules_of_thumb import LITTLE_DRIFT, MUCH_DRIFT
from arrears.reports import gate_words, model_tables
from arrears.reports.model_summary import in_short
from arrears.reports.pages import data_url, render

PLOTS = {
    "roc_curve": "Each point is a cut-off. The further the line bends to the upper left, the more defaulters are"
    " caught per false alarm; on the diagonal the model knows nothing.",
    "score_histogram": "Each group as shares of itself. The less they overlap, the better the model tells them apart.",
    "precision_recall": "Reading from the left, the list of flagged borrowers grows: how many of them do default?"
    " The dotted line is what flagging at random would find.",
    "ks_curve": "The largest gap between the two lines is KS; the score below it is where it is found.",
    "calibration": "Points on the dotted line mean that the probabilities can be taken at their word; below it the"
    " model is too gloomy, above it too hopeful.",
    "deciles": "Bars are default rates, diamonds what the model promised, the dotted line is the rate of all. Bars"
    " should fall from left to right. The line tells how many of all defaults lie in the riskiest tenths so far.",
    "profit_curve": "Everyone below the cut-off is approved. Right of the dot each further loan loses more than it"
    " earns; the dashed line is the cut-off that comes with the model.",
    "feature_importance": "What the model looks at most. It tells what moves the estimate, not what causes default.",
    "dependence": "A dot a borrower. Where dots rise to the right, higher values mean higher risk to the model; spread"
    " at one value means that other features change what it makes of it. Dashes are means of a level.",
    "segments": "Orange squares: segments whose whole interval lies below the AUC of all borrowers. One in forty does"
    " so by chance.",
    "fairness": "Overlapping intervals: no difference is shown. Groups that differ in default rate differ in approval"
    " too; the error rates in the middle and at the right tell whether they are judged alike.",
    "stability": "Each pair would be equal if held-out borrowers were scored as the training rows were; a PSI below"
    f" {LITTLE_DRIFT} is little, from {MUCH_DRIFT} on a lot.",
}
TITLES = {"roc_curve": "ROC curve", "ks_curve": "KS curve"}


@dataclass(frozen=True)
class ModelPage:
    """Everything that the report shows. Plain values, nothing is looked up.

    Attributes:
        title: the page's headline, such as the model's name.
        dataset, dataset_version: what the model was trained and measured on.
        findings: what was measured on held-out rows.
        plots: file stem to PNG, as `arrears.reports.model_figures.model_plots` gave.
        champion: the present champion's metrics on the rows compared on. None: there is none, or nothing is compared.
        champion_name: how to call it, such as ``version 3``.
        comparison: on which rows the two are compared. None: there is no champion.
        decision: what the gate said. None: nothing was decided.
        cutoff: the model's own, or None.
        profit: what each cut-off earns. None: the data set has no loan terms.
        explanation: which features matter to the model, and how. None: it cannot be explained.
        points: lines of a scorecard, each column to cell. Empty: the model is no scorecard.
        points_note: what a reader of the points must know.
        parameters: of the training.
        training: its figures: trees, rows, the AUC on training rows.
        provenance: run ids, commit, package versions, dates.
        links: label to URL.
        as_of, measured_at: business date, and when the page was made. Empty: unknown.
    """

    title: str
    dataset: str
    dataset_version: str
    findings: Findings
    plots: Mapping[str, bytes]
    champion: Evaluation | None = None
    champion_name: str = "champion"
    comparison: Comparison | None = None
    decision: Decision | None = None
    cutoff: Cutoff | None = None
    profit: ProfitCurve | None = None
    explanation: Explanation | None = None
    points: Sequence[Mapping[str, object]] = ()
    points_note: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    training: Mapping[str, object] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    as_of: str = ""
    measured_at: str = ""


def render_model_page(page: ModelPage) -> str:
    """Writes the report as one HTML file: images inside, styles inside, no scripts. Every value is escaped."""
    return render(
        "model_page.html",
        ["model_page.css", "model_report.css"],
        page=page,
        findings=page.findings,
        found=page.findings.evaluation,
        summary=in_short(page.findings, page.champion_name if page.champion else "", page.profit),
        tables=model_tables,
        gate_words=gate_words,
        alike=page.comparison.candidate if page.comparison else None,
        plots={stem: _embedded(stem, png) for stem, png in page.plots.items()},
        contents=_contents(page),
    )


def _contents(page: ModelPage) -> dict[str, str]:
    """The sections that the page has, by anchor."""
    findings = page.findings
    present = {
        "gate": ("Gate, rule by rule", page.decision),
        "ranking": ("Ranking", True),
        "calibration": ("Calibration", True),
        "cutoff": ("Cut-off and profit" if page.profit else "At the cut-off", True),
        "features": ("What the model looks at", page.explanation and page.explanation.importance),
        "segments": ("Segments", findings.segments),
        "fairness": ("Fairness", findings.fairness),
        "stability": ("Stability", findings.stability),
        "scorecard": ("Scorecard", page.points),
        "origin": ("Where it comes from", page.parameters or page.training or page.provenance),
    }
    return {anchor: title for anchor, (title, content) in present.items() if content}


def _embedded(stem: str, png: bytes) -> dict[str, str]:
    title = TITLES.get(stem, stem.replace("_", " ").capitalize())
    return {"title": title, "note": PLOTS.get(stem, ""), "source": data_url(png)}
