"""What a trained model gets before it is kept: probabilities that come true, a cut-off, and its training scores.

Each is learnt on rows of its own: the calibration on the calibration slice, the cut-off on the validation slice, which
no tree was fitted to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import SparkSession

from arrears.contracts.cutoff_choice import cutoff_rule
from arrears.contracts.descriptions import LABEL
from arrears.contracts.jobs import TrainModelConfig
from arrears.model.resampling import Resampling
from arrears.scoring.document import ModelDocument
from spark_jobs.engines.contract import CALIBRATION_SHARD, VALIDATION_SHARD, FileSlice, Snapshot
from spark_jobs.measuring.cutoffs import chosen_cutoff
from spark_jobs.measuring.evaluation import score_quantiles
from spark_jobs.measuring.scored_rows import score_carrying
from spark_jobs.training.calibrating import calibrated


def finished_document(
    spark: SparkSession,
    config: TrainModelConfig,
    document: ModelDocument,
    model: bytes,
    training: Snapshot,
    resampling: Resampling,
) -> ModelDocument:
    """Adds the calibration, then the cut-off of calibrated scores, then the quantiles of the training set's scores.

    Args:
        document: what the model needs to score, without any of the three.
        training: the materialised training rows and the slices kept back.
        resampling: what the training rows went through; where no calibration is asked for, it is undone exactly.

    Raises:
        BadInput, BadConfiguration: as `with_cutoff` does, or the calibration slice holds one class only.
    """
    if config.calibration == "none":
        document = replace(document, calibration=resampling.correction)
    else:
        kept_back = _only(training, training.shard(CALIBRATION_SHARD))
        scored = score_carrying(spark, kept_back, model, document, (LABEL,))
        document = replace(document, calibration=calibrated(scored, config.calibration))
    document = with_cutoff(spark, config, document, model, training)
    # Repeated or thinned rows are no picture of the borrowers; the slices kept back always are.
    as_they_came = [piece for piece in training.slices if piece.shard < 0 or not resampling.changes_rows]
    scored = score_carrying(spark, _only(training, as_they_came), model, document, (LABEL,))
    return replace(document, score_quantiles=tuple(score_quantiles(scored)))


def with_cutoff(
    spark: SparkSession, config: TrainModelConfig, document: ModelDocument, model: bytes, training: Snapshot
) -> ModelDocument:
    """Adds the cut-off, chosen on the validation slice, which only ended the training early; none where none is asked.

    Args:
        document: with its calibration: the cut-off is one of the probabilities in use.
        training: the materialised training rows, with the column of exposures where one is configured.

    Raises:
        BadInput: scores, labels or exposures are unusable, or the rule needs both classes and finds one.
        BadConfiguration: the column of exposures is not there.
    """
    if cutoff_rule(vars(config)) is None:
        return document
    kept_back = _only(training, training.shard(VALIDATION_SHARD))
    lent = (config.exposure,) if config.exposure else ()
    scored = score_carrying(spark, kept_back, model, document, (LABEL, *lent))
    return replace(document, cutoff=chosen_cutoff(scored, config))


def _only(training: Snapshot, slices: Sequence[FileSlice]) -> Snapshot:
    return replace(training, slices=tuple(slices), rows=sum(piece.rows for piece in slices))
