"""Loss given default: what share of a loan is lost should it default, learnt from loans that did.

A loan that was repaid lost nothing because it did not default, which says nothing of the loss given default. So models
are trained and measured on defaulted rows alone, and answer for everyone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.engine_choices import EngineChoices
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.contracts.job_configs.training_choices import with_features
from arrears.contracts.objectives import LOSS
from arrears.contracts.tables.column_names import ID, LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.metrics.regression import LossEvaluation
from arrears.reports.loss_page import loss_page
from arrears.reports.objective_page import Frame, ObjectivePage
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from spark_jobs.engines.engine_registry import engine_for
from spark_jobs.engines.interface import FittedModel
from spark_jobs.engines.objective_interface import IS_VALIDATION, TARGET, FitObjective
from spark_jobs.io.checkpoints import checkpoints
from spark_jobs.measuring.scored_rows import persisted
from spark_jobs.objectives.beside_default import PREPARATION, BesideDefault
from spark_jobs.objectives.loss_evaluation import evaluate_losses
from spark_jobs.objectives.objective_rows import made_up_customer, objective_spec, prepared, training_rows
from spark_jobs.scoring.ask_model import to_answers
from spark_jobs.training.documents import document_of
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.training.training_rows import ROW_ORDER

FEWEST_ROWS = 20


def fit(
    spark: SparkSession, config: TrainModelConfig, description: DatasetDescription
) -> tuple[FittedModel, ModelDocument]:
    """Trains a loss model on the defaulted rows of the pinned version.

    Raises:
        BadConfiguration: the data set declares no loss, or the engine refuses its settings.
        BadInput: too few defaults, or losses that are missing or not in [0, limit].
    """
    column = _loss_column(description)
    if config.encoding == "woe":
        raise BadConfiguration("encoding=woe needs both outcomes, and a loss model learns from defaults alone")
    description = with_features(description, config.features)
    with persisted(to_defaulted(training_rows(spark, config), description, config, seed=config.seed)) as rows:
        counts = _checked(rows, column, description.loss_limit, positive=_needs_positive(config))
        prepared_rows = prepared(
            rows,
            config,
            description,
            objective=LOSS,
            numbers_only=config.engine != "catboost",
            row_count=counts["row_count"],
        )
        with checkpoints(spark, config.addresses.snapshot(config.dataset, f"checkpoints-{config.run_label}")):
            fit_losses: FitObjective = engine_for(LOSS, config.engine)
            trained = fit_losses(prepared_rows, objective_spec(config))
        fitted = replace(trained, example=made_up_customer(prepared_rows))
    fitted.facts["mean_loss"] = counts["mean_loss"]
    return fitted, replace(document_of(config, prepared_rows, fitted), loss_limit=description.loss_limit)


def measure(
    borrowers: DataFrame,
    config: EvaluateModelConfig,
    description: DatasetDescription,
    model: bytes,
    document: ModelDocument,
) -> LossEvaluation:
    """Measures a loss model on the held-out defaults.

    Raises:
        BadInput: there are none, or some have no loss.
    """
    # Under a name of ours: a bank's column may be called as the answer is.
    loss = F.col(f"`{_loss_column(description)}`")
    defaulted = borrowers.where(F.col(LABEL) == 1).withColumn(TARGET, loss)
    estimated = to_answers(defaulted, model, document, carry={TARGET: "double"})
    limit = document.loss_limit or description.loss_limit
    return evaluate_losses(estimated, estimate="loss_given_default", actual=TARGET, limit=limit)


def page(
    evaluation: LossEvaluation, champion: LossEvaluation | None, frame: Frame, model: bytes, document: ModelDocument
) -> ObjectivePage:
    """The report's page."""
    weights = load_scorer(document.model_format, model).importance()
    return loss_page(evaluation, champion, frame, dict(zip(document.inputs, weights, strict=True)))


def to_defaulted(
    borrowers: DataFrame, description: DatasetDescription, choices: EngineChoices, *, seed: int
) -> DataFrame:
    """The defaulted rows with their loss as ``target``. Grain: one row per defaulted borrower.

    Columns: the features, label, ``target``, ``row_order``, and ``is_validation``: by a hash of the customer, so that
    all loans of one are on the same side.
    """
    whole = F.col(ID)
    if description.group is not None:
        whole = F.coalesce(F.col(f"`{description.group}`").cast("string"), whole)
    uniform = F.shiftrightunsigned(hash_of(seed, "loss validation", "_whole"), 11) * F.lit(2.0**-53)
    return (
        borrowers.where(F.col(LABEL) == 1)
        .withColumn("_whole", whole)
        .select(
            *(F.col(f"`{name}`") for name in description.features),
            LABEL,
            F.col(f"`{description.loss}`").cast("double").alias(TARGET),
            hash_of(seed, "order", ID).alias(ROW_ORDER),
            (uniform < choices.validation_share).alias(IS_VALIDATION),
        )
    )


def _checked(rows: DataFrame, column: str, limit: float, *, positive: bool) -> dict[str, Any]:
    loss = F.col(TARGET)
    counts: dict[str, Any] = (
        rows.agg(
            F.count(F.lit(1)).alias("row_count"),
            F.count_if(loss.isNull() | F.isnan(loss)).alias("missing"),
            F.count_if(~F.isnan(loss) & ~loss.between(0.0, limit)).alias("outside"),
            F.count_if(loss == 0).alias("zero"),
            F.count_if(~F.col(IS_VALIDATION)).alias("learnt"),
            F.avg(loss).alias("mean_loss"),
        )
        .collect()[0]
        .asDict()
    )
    total, problems = counts["row_count"], []
    if counts["learnt"] < FEWEST_ROWS:
        problems.append(
            f"{counts['learnt']} defaulted training rows are too few for a loss model: {FEWEST_ROWS} at least"
        )
    if counts["missing"]:
        problems.append(f"loss {column} is missing in {counts['missing']} of {total} defaulted rows")
    if counts["outside"]:
        problems.append(
            f"loss {column} lies outside 0 to {limit:g} in {counts['outside']} of {total} defaulted rows:"
            " clip it, or declare its loss_limit"
        )
    if positive and counts["zero"]:
        problems.append(
            f"loss {column} is 0 in {counts['zero']} of {total} defaulted rows, which family=gamma cannot learn:"
            " take family=tweedie"
        )
    if problems:
        raise BadInput(*problems)
    return counts


def _needs_positive(choices: EngineChoices) -> bool:
    return choices.engine == "glm" and "family=gamma" in choices.engine_options


def _loss_column(description: DatasetDescription) -> str:
    if description.loss is None:
        raise BadConfiguration(
            f"data set {description.name} declares no loss: name its column in the description (loss: …, among kept)"
        )
    return description.loss


OBJECTIVE = BesideDefault(
    LOSS,
    fit,
    measure,
    page,
    shown=(
        *("engine", "engine_options", "iterations", "learning_rate", "depth", "early_stopping_rounds"),
        *("validation_share", *PREPARATION, "threads", "seed"),
    ),
)
