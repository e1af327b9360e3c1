"""A made-up evaluation: every part that a report can show, with numbers that are easy to find again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from arrears.model.gate.promotion import Decision
from arrears.model.gate.rules import Verdict
from arrears.model.metrics.curves import HISTOGRAM_BINS, CalibrationGroup, CurvePoint, Curves
from arrears.model.metrics.cutoffs import APPROVE_ALL, Cutoff
from arrears.model.metrics.default_metrics import Confusion, Evaluation
from arrears.model.metrics.explanations import Dependence, Explanation
from arrears.model.metrics.findings import (
    AucDifference,
    CalibrationCheck,
    Decile,
    Findings,
    GroupFairness,
    Interval,
    ScoreStability,
    SegmentResult,
    StabilityBin,
)
from arrears.model.metrics.profit import LoanTerms, ProfitCurve, ProfitPoint
from arrears.reports.model_page import ModelPage

PNG = b"\x89PNG\r\n\x1a\n"
HOSTILE = "<script>alert(1)</script>\"'&"


def an_evaluation(**changes: float) -> Evaluation:
    given = {"auc": 0.75, "auc_low": 0.71, "auc_high": 0.79, "gini": 0.5, "ks": 0.4, "auc_pr": 0.2, "log_loss": 0.18}
    given |= {"brier": 0.045, "rows": 2957, "defaults": 150}
    called: dict[str, float] = {"threshold": 0.5, "tp": 2, "fp": 3, "tn": 2804, "fn": 148}
    called |= {name: changes.pop(name) for name in list(changes) if name in called}
    return Evaluation(**(given | changes), confusion=Confusion(**called))  # type: ignore[arg-type]


def without_cutoff() -> Evaluation:
    """What is measured of a model that has none: nobody is approved or declined."""
    return replace(an_evaluation(), confusion=None)


def some_curves() -> Curves:
    points = (CurvePoint(0.9, 0.5, 0.1, 0.4), CurvePoint(0.2, 0.8, 0.4, 0.2), CurvePoint(0.1, 1.0, 1.0, 0.05))
    bins = (5,) * HISTOGRAM_BINS
    groups = (CalibrationGroup(0.1, 0.08, 50), CalibrationGroup(0.5, 0.6, 50))
    return Curves(points, bins, bins, groups, tuple(step / 1000 for step in range(1001)))


def bare_findings(**changes: Any) -> Findings:
    """What every evaluation finds."""
    found = Findings(an_evaluation(), some_curves(), CalibrationCheck(0.0123, 9.5, 0.39, 10), ())
    return replace(found, **changes)


def a_segment(
    level: str = "NY", auc: float | None = 0.66, column: str = "state", spread: float = 0.05
) -> SegmentResult:
    low, high = (None, None) if auc is None else (auc - spread, auc + spread)
    return SegmentResult(column, level, 1234, 56, 0.045, 0.05, auc, low, high)


def a_group(group: str, ratio: float | None, rows: int = 900) -> GroupFairness:
    return GroupFairness("gender", group, rows, Interval(0.81, 0.78, 0.84), Interval(0.17, 0.14, 0.2), None, ratio)


def full_findings(name: str = "state") -> Findings:
    """Everything that an evaluation can find; ``name`` stands where names of columns and levels do."""
    return bare_findings(
        deciles=tuple(Decile(n, 296, 40 - 3 * n, 1 / n, 0.3 / n, 3.1 / n, min(1.0, n / 7)) for n in range(1, 11)),
        stability=ScoreStability(0.031, tuple(StabilityBin(f"{name} {n}", 0.1, 0.08, 0.003) for n in range(10))),
        segments=(a_segment(name), a_segment("TX", 0.8, name), a_segment("CA", None, name)),
        fairness=(a_group(name, 1.0), a_group("f", 0.72), a_group("x", None, rows=12)),
        auc_difference=AucDifference(0.0123, -0.002, 0.0266),
    )


def a_curve(*, profit: float = 0.021) -> ProfitCurve:
    points = [
        ProfitPoint(0.1, 0.0, 0.0, 0.0),
        ProfitPoint(0.2, 0.6, 0.01, 0.033),
        ProfitPoint(APPROVE_ALL, 1.0, 0.05, 0.01),
    ]
    chosen = ProfitPoint(0.5, 0.93, 0.048, profit)
    return ProfitCurve(LoanTerms(0.06, 0.45, 0.002), tuple(points), chosen, points[1], "loan_amount")


def an_explanation(name: str = "income") -> Explanation:
    numbers = Dependence(name, (1.0, 2.0, 3.0, None), (0.5, 0.1, -0.2, 0.4))
    levels = Dependence("job", ("a$b$", name, None), (0.1, -0.1, 0.2))
    return Explanation("shap", {name: 0.4123, "job": 0.1}, (numbers, levels), 1987, {name: 0.0312, "job": -0.001})


def verdicts(*met: bool, reason: str = "because") -> tuple[Verdict, ...]:
    return tuple(Verdict(f"rule {n} > 0.6", 0.71, 0.6, each, f"{reason} {n}") for n, each in enumerate(met, 1))


def a_page(**changes: Any) -> ModelPage:
    """A page with nothing but what every evaluation has."""
    page = ModelPage("pd_loans", "loans", "abc123", bare_findings(), {"roc_curve": PNG})
    return replace(page, **changes)


def a_full_page(name: str = "state", **changes: Any) -> ModelPage:
    """A page with every section; ``name`` stands wherever a text from outside can."""
    page = ModelPage(
        title=name,
        dataset=name,
        dataset_version=name,
        findings=full_findings(name),
        plots={name: PNG},
        champion=an_evaluation(auc=0.73),
        champion_name=name,
        decision=Decision("refused", verdicts(True, False, reason=name), override=name),
        cutoff=Cutoff(0.5, "profit", {}, {"approval_rate": 0.9, "bad_rate": 0.04, "profit": 0.03}, exposure=name),
        profit=replace(a_curve(), exposure=name),
        explanation=an_explanation(name),
        points=({"feature": name, "bin": "up to 3", "points": 12, "woe": -0.41},),
        parameters={name: name},
        provenance={name: name},
        links={name: f"https://example.com/{name}"},
    )
    return replace(page, **changes)
