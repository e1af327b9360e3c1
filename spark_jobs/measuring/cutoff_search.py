"""Choosing a model's cut-off on rows kept back from training, and what every cut-off would have earned.

The actions behind ``transforms.approvals``. Only sums and at most 2,000 points reach the driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.model_choices import CutoffChoices, CutoffRule, cutoff_rule
from arrears.contracts.tables.column_names import LABEL, SCORE
from arrears.model.metrics.cutoffs import APPROVE_ALL, Cutoff
from arrears.model.metrics.profit import LoanTerms, ProfitCurve, ProfitPoint
from spark_jobs.measuring.scored_rows import only_row, persisted, score_bounds
from spark_jobs.transforms.scores.approvals import to_approvals, to_best, to_curve, to_loans, to_policy_sums


def chosen_cutoff(scored: DataFrame, choices: CutoffChoices) -> Cutoff | None:
    """Chooses the cut-off by the rule in force, on the outcomes of rows that the model was not fitted to.

    ``fixed`` takes the number given. ``f1`` and ``ks`` take the cut-off where they are highest, ``approval_rate`` the
    one where the share approved is nearest to the wanted one, ``profit`` the one where ``arrears.model.metrics.profit``
    is highest. Of equal cut-offs the lowest is taken.

    Args:
        scored: one row a borrower of the validation slice with ``default_probability``, calibrated as it will be in
            use, ``is_default``, and the column of exposures where one is configured.

    Returns:
        None: no rule is in force, so no cut-off is set.

    Raises:
        BadInput: scores, labels or exposures that are unusable, or one class only where a rule needs both.
        BadConfiguration: the column of exposures is not there.
    """
    rule = cutoff_rule(choices)
    if rule is None:
        return None
    terms = terms_of(choices)
    inputs = vars(terms) if terms else {}
    if rule == "approval_rate" and choices.approval_rate is not None:
        inputs = inputs | {"approval_rate": choices.approval_rate}
    value = APPROVE_ALL if choices.cutoff is None else choices.cutoff
    with _loans(scored, choices.exposure, value) as (loans, sums):
        if rule in ("f1", "ks", "profit"):
            _check_both_classes(sums["total_rows"], sums["total_defaults"], rule)
        if not sums["total_rows"]:
            return Cutoff(value, rule, inputs, exposure=choices.exposure)
        approved = sums
        if rule != "fixed":
            approved = only_row(to_best(_approvals(loans, sums["total_rows"]), _worth(rule, choices, terms)))
            value = approved["cutoff"]
    return Cutoff(value, rule, inputs, _expected(approved, terms), choices.exposure)


def terms_of(choices: CutoffChoices) -> LoanTerms | None:
    """What a loan earns and costs. None where margin or loss given default is missing."""
    if choices.margin is None or choices.lgd is None:
        return None
    return LoanTerms(choices.margin, choices.lgd, choices.cost)


def profit_curve(scored: DataFrame, cutoff: Cutoff) -> ProfitCurve | None:
    """What each cut-off would have earned on held-out borrowers. None where the model's cut-off has no loan terms.

    Args:
        scored: one row a held-out borrower with ``default_probability``, ``is_default``, and the cut-off's exposure.
        cutoff: the model's own, which is marked.

    Raises:
        BadInput: no rows, or scores, labels or exposures that are unusable.
        BadConfiguration: the column of exposures is not there.
    """
    terms = LoanTerms.from_inputs(cutoff.inputs)
    if terms is None:
        return None
    with _loans(scored, cutoff.exposure, cutoff.value) as (loans, sums):
        if not sums["total_rows"]:
            raise BadInput("there are no scored rows to draw the profit curve of")
        curve_rows = to_curve(_approvals(loans, sums["total_rows"]), _profit(terms)).collect()
    points = sorted(_point(row.asDict(), terms, row["cutoff"]) for row in curve_rows)
    best = max(points, key=lambda point: (point.profit, -point.cutoff))
    return ProfitCurve(terms, tuple(points), _point(sums, terms, cutoff.value), best, cutoff.exposure)


@contextmanager
def _loans(scored: DataFrame, exposure: str | None, cutoff: float) -> Iterator[tuple[DataFrame, dict[str, Any]]]:
    """Checked rows, scored once for the length of the block, and the sums of what one cut-off approves of them."""
    if exposure is not None and exposure not in scored.columns:
        raise BadConfiguration(f"exposure: the rows have no column {exposure}; name a numeric column of the data set")
    with persisted(to_loans(scored, score=SCORE, label=LABEL, exposure=exposure)) as loans:
        sums = only_row(to_policy_sums(loans, cutoff))
        unusable = {
            "score": "scores are not probabilities",
            "label": "labels are not 0 or 1",
            "exposure": f"exposures in {exposure} are missing, negative or infinite",
        }
        problems = [
            f"{count} of {sums['total_rows']} {problem}"
            for what, problem in unusable.items()
            if (count := sums.pop(f"unusable_{what}"))
        ]
        if problems:
            raise BadInput(*problems)
        yield loans, sums


def _check_both_classes(rows: int, defaults: int, rule: str) -> None:
    if defaults in (0, rows):
        raise BadInput(
            f"{defaults} of {rows} rows kept back from training defaulted, and a cut-off by {rule} needs both classes:"
            " raise --validation-share, or give a fixed --cutoff"
        )


def _approvals(loans: DataFrame, rows: int) -> DataFrame:
    return to_approvals(loans, bounds=score_bounds(loans, rows, score="score"))


def _worth(rule: CutoffRule, choices: CutoffChoices, terms: LoanTerms | None) -> Column:
    caught = F.col("total_defaults") - F.col("approved_defaults")
    flagged = F.col("total_rows") - F.col("approved_rows")
    match rule:
        case "f1":
            return 2 * caught / (flagged + F.col("total_defaults"))
        case "ks":
            others = F.col("total_rows") - F.col("total_defaults")
            return caught / F.col("total_defaults") - (flagged - caught) / others
        case "approval_rate":
            return -F.abs(F.col("approved_rows") / F.col("total_rows") - F.lit(choices.approval_rate))
        case "profit" if terms is not None:
            return _profit(terms)
    raise ValueError(f"a cut-off by {rule} is not chosen by outcomes alone")


def _profit(terms: LoanTerms) -> Column:
    profit: Column = terms.profit(
        F.col("approved_good_exposure"), F.col("approved_bad_exposure"), F.col("approved_rows")
    )
    return profit


def _point(sums: Mapping[str, Any], terms: LoanTerms, cutoff: float) -> ProfitPoint:
    return ProfitPoint(cutoff=cutoff, **_expected(sums, terms))


def _expected(sums: Mapping[str, Any], terms: LoanTerms | None) -> dict[str, float]:
    """What a cut-off does to some rows: the fields of ``ProfitPoint``, without profit where no terms are given."""
    total, approved = sums["total_rows"], sums["approved_rows"]
    figures = {
        "approval_rate": approved / total,
        "bad_rate": sums["approved_defaults"] / approved if approved else 0.0,
    }
    if terms is None:
        return figures
    profit = terms.profit(sums["approved_good_exposure"], sums["approved_bad_exposure"], approved)
    return figures | {"profit": profit / total}
