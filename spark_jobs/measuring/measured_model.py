"""Measuring a trained model on the pinned held-out rows: figures, what its cut-off earns, and what it looks at."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.job_configs.jobs import EvaluateModelConfig
from arrears.contracts.tables.column_names import ID, LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.metrics.explanations import Explanation
from arrears.model.metrics.findings import Comparison, Findings
from arrears.model.metrics.profit import ProfitCurve
from arrears.scoring.document import ModelDocument
from arrears.stores.models import ModelFiles
from spark_jobs.engines.row_groups import Snapshot
from spark_jobs.io import snapshots
from spark_jobs.measuring.cutoff_search import profit_curve
from spark_jobs.measuring.evaluation import findings
from spark_jobs.measuring.scored_rows import persisted, score_carrying
from spark_jobs.measuring.unlearnt import Unlearnt

SEGMENTED = 3  # categories whose levels are measured apart where nobody names any


@dataclass(frozen=True)
class Measured:
    """How a model does on the held-out rows.

    Attributes:
        profit: what its cut-off earns. None: the model has no loan terms.
        explanation: what it looks at. None: nobody asked.
        comparison: the rows that it shares with the champion. None: there is no champion.
        new_features: those that the champion has not. Empty where there is no champion.
    """

    findings: Findings
    profit: ProfitCurve | None = None
    explanation: Explanation | None = None
    comparison: Comparison | None = None
    new_features: tuple[str, ...] = ()

    def metrics(self, prefix: str = "") -> dict[str, float]:
        """The figures by name, as MLflow keeps them."""
        figures = dict(self.findings.metrics())
        if self.profit is not None:
            figures |= {"profit": self.profit.chosen.profit, "best_profit": self.profit.best.profit}
        if self.comparison is not None:
            figures |= self.comparison.metrics()
        return {f"{prefix}{name}": value for name, value in figures.items()}


def measured_beside(
    spark: SparkSession,
    config: EvaluateModelConfig,
    description: DatasetDescription,
    held_out: Snapshot,
    candidate: ModelFiles,
    champion: ModelFiles | None,
    unlearnt: Unlearnt,
) -> tuple[Measured, Measured | None]:
    """Measures a candidate on all held-out rows, and beside the champion on those that neither has learnt from.

    Args:
        champion: None: there is none.
        unlearnt: the rows that may be compared on.

    Returns:
        The candidate, and the champion on the rows compared on. It is None where there is none, or nothing is compared.

    Raises:
        BadInput: the held-out rows do not fit a model, or hold one class only.
        BadConfiguration: a column to part the rows by is not there.
    """
    document = ModelDocument.from_json(candidate.document)
    cutoff = document.cutoff
    segment_by = config.segment_by or description.categorical[:SEGMENTED]
    present = snapshots.schema_of(held_out).names
    protected = tuple(name for name in description.protected if name in present)
    exposure_columns = (cutoff.exposure,) if cutoff and cutoff.exposure else ()
    carried = (ID, LABEL, *segment_by, *protected, *exposure_columns)
    with (
        persisted(score_carrying(spark, held_out, candidate.model, document, carried)) as scored,
        _served(spark, held_out, None if unlearnt.problem else champion, unlearnt) as other,
    ):
        beside = None
        if champion is not None and other is not None:
            beside = Measured(findings(other, threshold=_threshold(ModelDocument.from_json(champion.document))))
        candidate_findings = findings(
            scored,
            threshold=_threshold(document),
            champion=None if unlearnt.left_out else other,
            segment_by=segment_by,
            protected=protected,
            training_quantiles=document.score_quantiles,
            replicates=config.replicates,
            seed=config.seed,
        )
        compared = candidate_findings
        if other is not None and unlearnt.left_out:
            compared = findings(unlearnt.of(scored), threshold=_threshold(document), champion=other)
            candidate_findings = replace(candidate_findings, auc_difference=compared.auc_difference)
        profit = profit_curve(scored, cutoff) if cutoff else None
    comparison = None
    if champion is not None:
        alike = None if other is None else compared.evaluation
        comparison = Comparison(unlearnt.rows, unlearnt.defaults, unlearnt.left_out, alike, unlearnt.problem)
    known = ModelDocument.from_json(champion.document).features if champion is not None else document.features
    new_features = tuple(name for name in document.features if name not in known)
    return Measured(candidate_findings, profit, comparison=comparison, new_features=new_features), beside


def _served(
    spark: SparkSession, held_out: Snapshot, champion: ModelFiles | None, unlearnt: Unlearnt
) -> AbstractContextManager[DataFrame | None]:
    """The champion's scores of the rows compared on. None: there is no champion to compare with."""
    if champion is None:
        return nullcontext()
    document = ModelDocument.from_json(champion.document)
    return persisted(unlearnt.of(score_carrying(spark, held_out, champion.model, document, (ID, LABEL))))


def _threshold(document: ModelDocument) -> float | None:
    return document.cutoff.value if document.cutoff else None
