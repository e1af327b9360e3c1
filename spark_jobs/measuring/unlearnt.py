"""Held-out rows that a model has not learnt from: proven of a candidate, and found for its comparison with a champion.

Only counts reach the driver.

See docs/adr/0044.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import EvaluateModelConfig
from arrears.contracts.objectives import DEFAULT
from arrears.contracts.tables.column_names import ID, LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.gate.objective_promotion import needs_outcomes
from arrears.model.gate.promotion import LEAK_CHECK_TAG
from arrears.model.gate.rules import comparison_problem
from spark_jobs.io.lineages import lineage_of
from spark_jobs.measuring.scored_rows import only_row
from spark_jobs.transforms.training.lineage_rows import with_learnt


@dataclass(frozen=True)
class Unlearnt:
    """The held-out rows on which a candidate may be compared with the champion.

    Attributes:
        rows, defaults: held-out rows that neither has learnt from. None: what the champion learnt from is unknown.
        left_out: held-out rows that the champion has learnt from, or whose customer it knows.
        known_customers: held-out rows whose customer the candidate knows.
        ids: the ids of those rows. None: all held-out rows are among them.
        problem: why nothing is compared. Empty where the two are compared.
        has_champion: whether there is anything to compare with.
    """

    rows: int | None
    defaults: int | None
    left_out: int = 0
    known_customers: int = 0
    ids: DataFrame | None = None
    problem: str = ""
    has_champion: bool = False

    @property
    def figures(self) -> dict[str, str]:
        """What the mail says of it."""
        figures = {}
        if self.has_champion:
            figures["compared with the champion"] = self.problem or (
                f"on {self.rows:,} held-out rows that neither has learnt from, with {self.defaults:,} defaults"
            )
        if self.known_customers:
            figures["held-out rows whose customer it knows"] = f"{self.known_customers:,}"
        return figures

    def of(self, rows: DataFrame) -> DataFrame:
        """Those of some held-out rows on which the two models may be compared."""
        return rows if self.ids is None else rows.join(self.ids, on=ID, how="left_semi")


def unlearnt_rows(
    held_out: DataFrame,
    config: EvaluateModelConfig,
    description: DatasetDescription,
    *,
    objective: str,
    candidate: Mapping[str, str],
    champion: Mapping[str, str] | None,
) -> Unlearnt:
    """Proves that a candidate has learnt from no held-out row, and finds those that the champion has not learnt from.

    Args:
        held_out: the held-out rows of the pinned version.
        candidate, champion: the tags of their MLflow runs. Champion None: there is none.

    Raises:
        BadInput: the candidate has learnt from held-out rows or knows their customers, or its lineage is unknown.
    """
    spark = held_out.sparkSession
    own = lineage_of(spark, config, description, candidate)
    if own is None:
        raise BadInput(
            f"nothing tells which rows MLflow run {config.mlflow_run_id} has learnt from, so no row is known to be held"
            " out: train it again"
        )
    group = description.group
    carried = dict.fromkeys((ID, LABEL, *((group,) if group in held_out.columns else ())))
    rows = with_learnt(held_out.select(*(f"`{name}`" for name in carried)), own, group, name="own")
    theirs = None if champion is None else lineage_of(spark, config, description, champion)
    if theirs is None:
        rows = rows.withColumn("is_left_out", F.lit(False))
    else:
        marked = with_learnt(rows, theirs, group, name="their")
        rows = marked.withColumn("is_left_out", F.col("their_row") | F.col("their_customer"))
    counted = only_row(rows.agg(*_counts()))
    # The leak check, which refuses such customers, is of models of default. There a reason may override it.
    may_know = objective != DEFAULT or candidate.get(LEAK_CHECK_TAG) == "overridden"
    _refuse_learnt(config, counted, customers_may_be_known=may_know)
    ids = rows.where(~F.col("is_left_out")).select(ID) if counted["left_out"] else None
    is_known = champion is None or theirs is not None
    row_count, defaults = (counted["rows"], counted["defaults"]) if is_known else (None, None)
    return Unlearnt(
        rows=row_count,
        defaults=defaults,
        left_out=counted["left_out"],
        known_customers=counted["own_customers"],
        ids=ids,
        problem=comparison_problem(row_count, defaults, outcomes_count=needs_outcomes(objective)),
        has_champion=champion is not None,
    )


def _counts() -> tuple[Column, ...]:
    is_left_out, own_row, own_customer = (F.col(name) for name in ("is_left_out", "own_row", "own_customer"))
    return (
        F.count_if(own_row).alias("own_rows"),
        F.count_if(own_customer & ~own_row).alias("own_customers"),
        F.count_if(is_left_out).alias("left_out"),
        F.count_if(~is_left_out).alias("rows"),
        F.count_if(~is_left_out & (F.col(LABEL) == 1)).alias("defaults"),
        F.count(F.lit(1)).alias("held_out"),
    )


def _refuse_learnt(config: EvaluateModelConfig, counted: Mapping[str, int], *, customers_may_be_known: bool) -> None:
    problems = []
    if counted["own_rows"]:
        problems.append(f"{counted['own_rows']:,} of {counted['held_out']:,} rows held out were its training rows")
    if counted["own_customers"] and not customers_may_be_known:
        problems.append(f"{counted['own_customers']:,} more are of customers that it has learnt from")
    if problems:
        raise BadInput(
            f"MLflow run {config.mlflow_run_id} cannot be measured on {config.dataset} {config.dataset_version}:"
            " it knows some of these borrowers",
            *problems,
            "measure it on the version that it was trained on, or train it again on this one",
        )
