"""Choosing a model's cut-off on rows kept back from training, and what every cut-off would have earned.

The actions behind ``transforms.approvals``. Only sums and at most 2,000 points reach the driver.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from arrears.contracts.descriptions import LABEL
from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.jobs import TrainModelConfig
from arrears.model.cutoffs import Cutoff
from arrears.model.metrics import check_both_classes
from arrears.model.profit import LoanTerms, ProfitCurve, ProfitPoint
from spark_jobs.transforms.approvals import is_usable_exposure, to_approvals, to_best, to_curve, to_loans
from spark_jobs.transforms.score_counts import bucket_count, is_usable_label, is_usable_score, to_score_bounds

SCORE = "default_probability"


def chosen_cutoff(scored: DataFrame, config: TrainModelConfig) -> Cutoff:
    """Chooses the cut-off by the configured rule, on the outcomes of rows that the model was not fitted to.

    Rules: ``fixed``; ``f1`` and ``ks``: where they are highest; ``approval_rate``: where the share approved is nearest
    to the wanted one; ``profit``: where ``arrears.model.profit`` is highest. Of equal cut-offs the lowest is taken.

    Args:
        scored: one row a borrower of the validation slice with ``default_probability``, calibrated as it will be in
            use, ``is_default``, and the column of exposures where one is configured.

    Raises:
        BadInput: scores, labels or exposures that are unusable; a rule that needs both classes and finds one.
        BadConfiguration: the column of exposures is not there.
    """
    terms = LoanTerms(config.margin, config.lgd, config.cost)
    inputs = vars(terms) | ({"approval_rate": config.approval_rate} if config.cutoff_by == "approval_rate" else {})
    with _loans(scored, config.exposure) as loans:
        if config.cutoff_by in ("f1", "ks", "profit"):
            check_both_classes(loans.rows, loans.defaults)
        if not loans.rows:
            return Cutoff(config.cutoff, "fixed", inputs, exposure=config.exposure)
        (best,) = to_best(loans.approvals, _worth(config, terms)).collect()
    point = _point(best, terms)
    value = config.cutoff if config.cutoff_by == "fixed" else point.cutoff
    expected = {name: number for name, number in point._asdict().items() if name != "cutoff"}
    return Cutoff(value, config.cutoff_by, inputs, expected, config.exposure)


def profit_curve(scored: DataFrame, cutoff: Cutoff, *, at: float | None = None) -> ProfitCurve | None:
    """What each cut-off would have earned on held-out borrowers; None where the model's cut-off tells no loan terms.

    Args:
        scored: one row a held-out borrower with ``default_probability``, ``is_default``, and the cut-off's exposure.
        cutoff: the model's own.
        at: the cut-off to mark; None: the model's own.

    Raises:
        BadInput: no rows, or scores, labels or exposures that are unusable.
        BadConfiguration: the column of exposures is not there.
    """
    terms = LoanTerms.from_inputs(cutoff.inputs)
    if terms is None:
        return None
    marked = cutoff.value if at is None else at
    with _loans(scored, cutoff.exposure) as loans:
        if not loans.rows:
            raise BadInput("there are no scored rows to draw the profit curve of")
        kept = to_curve(loans.approvals, _profit(terms)).withColumn("is_chosen", F.lit(False))
        chosen = to_best(loans.approvals, _first_from(marked)).withColumn("is_chosen", F.lit(True))
        rows = kept.unionByName(chosen).collect()
    points = sorted(_point(row, terms) for row in rows if not row.is_chosen)
    (at_cutoff,) = (_point(row, terms)._replace(cutoff=marked) for row in rows if row.is_chosen)
    best = max(points, key=lambda point: (point.profit, -point.cutoff))
    return ProfitCurve(terms, tuple(points), at_cutoff, best, cutoff.exposure)


@dataclass(frozen=True)
class _Loans:
    approvals: DataFrame
    rows: int
    defaults: int


@contextmanager
def _loans(scored: DataFrame, exposure: str | None) -> Iterator[_Loans]:
    """Checked rows and what each cut-off approves of them; scored once for the length of the block."""
    if exposure is not None and exposure not in scored.columns:
        raise BadConfiguration(f"exposure: the rows have no column {exposure}; name a numeric column of the data set")
    columns = [SCORE, LABEL, *([] if exposure is None else [exposure])]
    slim = scored.select(*(F.col(f"`{name}`") for name in columns)).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        rows, defaults = _checked_counts(slim, exposure)
        loans = to_loans(slim, score=SCORE, label=LABEL, exposure=exposure)
        buckets = bucket_count(rows)
        bounds = tuple(to_score_bounds(loans, score="score", buckets=buckets).collect()[0][0]) if buckets > 1 else ()
        yield _Loans(to_approvals(loans, bounds=bounds), rows, defaults)
    finally:
        slim.unpersist()


def _checked_counts(scored: DataFrame, exposure: str | None) -> tuple[int, int]:
    lent = F.lit(True) if exposure is None else is_usable_exposure(exposure)
    (counts,) = scored.agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_if(F.col(LABEL) == 1).alias("defaults"),
        F.count_if(~is_usable_score(SCORE)).alias("scores are not probabilities"),
        F.count_if(~is_usable_label(LABEL)).alias("labels are not 0 or 1"),
        F.count_if(~lent).alias(f"exposures in {exposure} are missing, negative or infinite"),
    ).collect()
    found: dict[str, int] = counts.asDict()
    rows, defaults = found.pop("rows"), found.pop("defaults")
    problems = [f"{count} of {rows} {what}" for what, count in found.items() if count]
    if problems:
        raise BadInput(*problems)
    return rows, defaults


def _worth(config: TrainModelConfig, terms: LoanTerms) -> Column:
    caught = F.col("total_defaults") - F.col("approved_defaults")
    flagged = F.col("total_rows") - F.col("approved_rows")
    match config.cutoff_by:
        case "fixed":
            return _first_from(config.cutoff)
        case "f1":
            return 2 * caught / (flagged + F.col("total_defaults"))
        case "ks":
            others = F.col("total_rows") - F.col("total_defaults")
            return caught / F.col("total_defaults") - (flagged - caught) / others
        case "approval_rate":
            return -F.abs(F.col("approved_rows") / F.col("total_rows") - F.lit(config.approval_rate))
        case "profit":
            return _profit(terms)


def _first_from(cutoff: float) -> Column:
    """Worth most: the lowest candidate from a cut-off on, which approves the same borrowers."""
    return F.when(F.col("cutoff") >= F.lit(cutoff), -F.col("cutoff"))


def _profit(terms: LoanTerms) -> Column:
    profit: Column = terms.profit(
        F.col("approved_good_exposure"), F.col("approved_bad_exposure"), F.col("approved_rows")
    )
    return profit


def _point(row: Row, terms: LoanTerms) -> ProfitPoint:
    return ProfitPoint(
        cutoff=row.cutoff,
        approval_rate=row.approved_rows / row.total_rows,
        bad_rate=row.approved_defaults / row.approved_rows if row.approved_rows else 0.0,
        profit=terms.profit(row.approved_good_exposure, row.approved_bad_exposure, row.approved_rows) / row.total_rows,
    )
