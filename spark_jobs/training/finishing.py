"""What a trained model gets before it is stored: a calibration, a cut-off, and its training scores.

Each is learnt on rows that the model behind the scores has not seen: the calibration on the calibration slice, the
cut-off and the quantiles on the validation slice, scored by the model that it ended, or on all rows, cross-fitted.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.job_configs.model_choices import CutoffChoices, cutoff_rule
from arrears.contracts.tables.column_names import LABEL
from arrears.model.fitting.resampling import Resampling
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from arrears.scoring.scorers.plain_tables import written
from arrears.scoring.scorers.scorecard_points import Scorecard
from spark_jobs.engines.interface import CALIBRATION_SHARD, VALIDATION_SHARD, FittedModel
from spark_jobs.engines.row_groups import Snapshot
from spark_jobs.measuring.cutoff_search import chosen_cutoff
from spark_jobs.measuring.evaluation import auc_of, score_quantiles
from spark_jobs.measuring.scored_rows import persisted, score_carrying
from spark_jobs.training.calibrating import calibrated
from spark_jobs.training.fitting import TrainedModel, only
from spark_jobs.training.training_plan import TrainingPlan


def finished_document(
    spark: SparkSession,
    plan: TrainingPlan,
    document: ModelDocument,
    trained: TrainedModel,
    training: Snapshot,
    resampling: Resampling,
) -> ModelDocument:
    """Adds the calibration, then cut-off and quantiles of calibrated scores, by models that have not seen the rows.

    Args:
        document: what the model needs to score, without any of the three.
        training: the materialised training rows and the slices kept back.
        resampling: what the training rows went through. Where no calibration is asked for, it is undone exactly.

    Raises:
        BadInput, BadConfiguration: as `with_cutoff` does, or the calibration slice holds one class only.
    """
    kind = plan.calibration.calibration
    if kind == "none":
        document = replace(document, calibration=resampling.correction)
    else:
        kept_back = only(training, training.shard(CALIBRATION_SHARD))
        scored = score_carrying(spark, kept_back, trained.fitted.model, document, (LABEL,))
        document = replace(document, calibration=calibrated(scored, kind))
    return with_cutoff(spark, plan.cutoff, document, trained)


def with_cutoff(
    spark: SparkSession, choices: CutoffChoices, document: ModelDocument, trained: TrainedModel
) -> ModelDocument:
    """Adds the cut-off, none where no rule is in force, and the quantiles from which risk limits are read.

    Args:
        document: with its calibration: the cut-off is one of the probabilities in use.

    Raises:
        BadInput: scores, labels or exposures are unusable, or the rule needs both classes and finds one.
        BadConfiguration: the column of exposures is not there.
    """
    exposure_columns = (choices.exposure,) if choices.exposure else ()
    with persisted(unseen_scores(spark, document, trained, (LABEL, *exposure_columns))) as scored:
        if cutoff_rule(choices) is not None:
            document = replace(document, cutoff=chosen_cutoff(scored, choices))
        return replace(document, score_quantiles=tuple(score_quantiles(scored)))


def with_points(fitted: FittedModel, document: ModelDocument) -> FittedModel:
    """A scorecard's file with points that stand for the calibrated probability. Any other model as it is."""
    scorer = load_scorer(fitted.model_format, fitted.model)
    if not isinstance(scorer, Scorecard):
        return fitted
    return replace(fitted, model=written(scorer.calibrated(document.calibration)))


def training_auc(spark: SparkSession, document: ModelDocument, model: bytes, training: Snapshot) -> float:
    """The AUC on rows that the model was fitted to, or that ended its training.

    Far above the held-out AUC it means that the model is overfitted.
    """
    rows = only(training, [piece for piece in training.slices if piece.shard >= VALIDATION_SHARD])
    return auc_of(score_carrying(spark, rows, model, document, (LABEL,)))


def unseen_scores(
    spark: SparkSession, document: ModelDocument, trained: TrainedModel, carried: tuple[str, ...]
) -> DataFrame:
    """Scores by models that have not seen the rows. Grain: one row per row of the slice, or of all training rows."""
    frames = [score_carrying(spark, each.rows, each.model, document, carried) for each in trained.unseen]
    return reduce(DataFrame.unionByName, frames)
