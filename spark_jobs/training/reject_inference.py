"""Lets a model learn for rejected applicants too, from what a first model, of accepted borrowers alone, tells of them.

Only training rows change. What ends a training, calibrates it, sets its cut-off and measures it stays accepted
borrowers with real outcomes. See docs/adr/0057.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.column_names import ID, LABEL, SCORE
from arrears.model.fitting.reject_bands import (
    Band,
    augmentation_weights,
    band_count,
    inferred_bad_rate,
    parcelled_rates,
)
from arrears.scoring.document import ModelDocument
from arrears.stores.objects import Objects
from spark_jobs.io import snapshots, tables
from spark_jobs.measuring.evaluation import auc_of, score_quantiles
from spark_jobs.measuring.scored_rows import persisted, score_carrying
from spark_jobs.scoring.ask_model import to_answers
from spark_jobs.training.documents import document_of
from spark_jobs.training.finishing import unseen_scores
from spark_jobs.training.fitting import TrainedModel, trained_model
from spark_jobs.training.pinned_rows import PinnedTraining, pinned_rows
from spark_jobs.training.training_plan import TrainingPlan
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.training.rejected_rows import (
    BAND,
    keep_on_the_training_side,
    keep_rejected,
    to_band_counts,
    to_fuzzy_rows,
    to_parcelled_rows,
    to_rejected_rows,
    with_augmented_weights,
    with_band,
    with_rejects,
)
from spark_jobs.transforms.training.training_rows import ROW_ORDER

log = logging.getLogger(__name__)

Facts = dict[str, float | int | str]


@dataclass(frozen=True)
class FirstModel:
    """A model of accepted borrowers alone, with all that it needs to score."""

    trained: TrainedModel
    document: ModelDocument


@dataclass(frozen=True)
class Inference:
    """What reject inference makes of the training rows, and what it took rejected applicants for.

    Attributes:
        change: from accepted borrowers in so many shards to the weighted rows that a model learns from.
    """

    change: Callable[[DataFrame, int], DataFrame]
    facts: Facts = field(default_factory=dict)


@contextmanager
def with_rejected_applicants(
    spark: SparkSession, plan: TrainingPlan, first: FirstModel, *, name: str
) -> Iterator[tuple[PinnedTraining, Facts]]:
    """The training rows with what is inferred of rejected applicants, for the length of the block, and facts about it.

    Raises:
        BadConfiguration: the dataset version keeps no rejected applicants.
    """
    rejected, kind = _rejected(spark, plan), plan.rejects.reject_inference
    with _inference(spark, plan, first, rejected, name) as inference:
        log.info("reject inference by %s: %s", kind, inference.facts)
        with pinned_rows(spark, plan, name=f"{name}-{kind}", change=inference.change, what=kind) as pinned:
            yield pinned, {**inference.facts}


def held_out_aucs(spark: SparkSession, plan: TrainingPlan, without: FirstModel, final: FirstModel) -> Facts:
    """How well both models rank the held-out borrowers, who were all accepted."""
    aucs = (_held_out_auc(spark, plan, each.trained.fitted.model, each.document) for each in (without, final))
    return dict(zip(("auc_without_reject_inference", "auc_with_reject_inference"), aucs, strict=True))


@contextmanager
def _inference(
    spark: SparkSession, plan: TrainingPlan, first: FirstModel, rejected: DataFrame, name: str
) -> Iterator[Inference]:
    if plan.rejects.reject_inference == "augmentation":
        with _augmentation(spark, plan, first, rejected, name) as inference:
            yield inference
    elif plan.rejects.reject_inference == "fuzzy":
        yield _fuzzy(plan, first, rejected)
    else:
        yield _parcelling(spark, plan, first, rejected)


def _held_out_auc(spark: SparkSession, plan: TrainingPlan, model: bytes, document: ModelDocument) -> float:
    run = plan.run
    held_out = snapshots.pin_partition(
        spark,
        run.addresses.table(Table.TEST, run.dataset),
        {Table.TEST.partition_column: run.dataset_version},
        what="run generate_data",
    )
    return auc_of(score_carrying(spark, held_out, model, document, (LABEL,)))


def _rejected(spark: SparkSession, plan: TrainingPlan) -> DataFrame:
    run, values = plan.run, plan.rejects.reject_values
    manifest = Objects().get_json(run.addresses.dataset_manifest(run.dataset, run.dataset_version))
    kept = manifest.get("unlabelled", {}).get("rows", 0)
    if kept:
        unlabelled, held_out = (
            tables.read_version(spark, run.addresses, table, run.dataset, run.dataset_version)
            for table in (Table.UNLABELLED, Table.TEST)
        )
        rejected = keep_on_the_training_side(
            keep_rejected(unlabelled, values),
            held_out,
            group=plan.description.group,
            event_time=plan.description.event_time,
            test_from=manifest.get("test_from"),
        )
        if not rejected.isEmpty():
            return rejected
    which = f"whose target is {' or '.join(values)}" if values else "without any target value"
    raise BadConfiguration(
        f"reject_inference: of {kept:,} rows that dataset version {run.dataset_version} keeps without a label, none on"
        f" the training side is one {which}: generate the data with unlabelled: leave_out from a source that holds"
        " rejected applicants, or name their target values in reject_values"
    )


def _fuzzy(plan: TrainingPlan, first: FirstModel, rejected: DataFrame) -> Inference:
    """Each rejected applicant is learnt from as bad and as good, weighted by the first model's probability."""
    factor, seed = plan.rejects.reject_factor, plan.cluster.seed

    def scored(shards: int) -> DataFrame:
        return _scored(plan, rejected, first.trained.fitted.model, first.document, shards)

    rates = scored(1).agg(
        F.count(F.lit(1)).alias("rejects"),
        F.avg(F.least(F.lit(1.0), F.col(SCORE) * F.lit(factor))).alias("inferred_bad_rate"),
    )
    return Inference(
        lambda rows, shards: with_rejects(rows, to_fuzzy_rows(scored(shards), factor=factor, seed=seed)),
        rates.collect()[0].asDict(),
    )


def _parcelling(spark: SparkSession, plan: TrainingPlan, first: FirstModel, rejected: DataFrame) -> Inference:
    """Of each band of the score as many rejected applicants are bad as accepted borrowers, who were scored unseen."""
    model, seed = first.trained.unseen[0].model, plan.cluster.seed
    with persisted(unseen_scores(spark, first.document, first.trained, (LABEL,))) as accepted:
        limits = _limits(accepted)
        scored = _scored(plan, rejected, model, first.document, 1)
        bands = _bands(accepted.select(SCORE, LABEL), scored.select(SCORE), limits)
    rates = parcelled_rates(bands, factor=plan.rejects.reject_factor)

    def change(rows: DataFrame, shards: int) -> DataFrame:
        banded = with_band(_scored(plan, rejected, model, first.document, shards), limits)
        return with_rejects(rows, to_parcelled_rows(banded, rates, seed=seed))

    return Inference(change, _facts(bands, rates))


@contextmanager
def _augmentation(
    spark: SparkSession, plan: TrainingPlan, first: FirstModel, rejected: DataFrame, name: str
) -> Iterator[Inference]:
    """Accepted borrowers count for all applicants who were as likely to be rejected, by a model of the rejection."""
    run = plan.run
    accepted = tables.read_version(spark, run.addresses, Table.TRAIN, run.dataset, run.dataset_version)
    columns = [name for name in accepted.columns if name in rejected.columns and name != LABEL]
    applicants = (
        accepted.select(*columns)
        .withColumn(LABEL, F.lit(0))
        .unionByName(rejected.select(*columns).withColumn(LABEL, F.lit(1)))
    )
    of_rejection = _plan_of_rejection(plan, first)
    with pinned_rows(spark, of_rejection, name=f"{name}-rejection", borrowers=applicants, what="rejection") as pinned:
        # What may only raise the probability of default may well lower that of a rejection.
        spec = replace(pinned.spec, monotone={})
        trained = trained_model(spark, plan.engine, pinned.snapshot, spec, refit=False)
        document = document_of(run, spec, trained.fitted)
        with persisted(unseen_scores(spark, document, trained, (LABEL, ROW_ORDER))) as scored:
            outcomes = accepted.select(hash_of(plan.cluster.seed, "order", ID).alias(ROW_ORDER), LABEL)
            of_accepted = scored.where(f"{LABEL} = 0").drop(LABEL).join(outcomes, on=ROW_ORDER)
            limits = _limits(of_accepted)
            bands = _bands(of_accepted.select(SCORE, LABEL), scored.where(f"{LABEL} = 1").select(SCORE), limits)
            banded = with_band(scored.where(f"{LABEL} = 0"), limits).select(ROW_ORDER, BAND)
            weights = augmentation_weights(bands)
            facts = _facts(bands, parcelled_rates(bands, factor=1.0)) | {"greatest_weight": max(weights)}
            yield Inference(lambda rows, _: with_augmented_weights(rows, banded, weights), facts)


def _plan_of_rejection(plan: TrainingPlan, first: FirstModel) -> TrainingPlan:
    """The same recipe, cross-fitted on all applicants: nobody's probability of rejection comes from a model of him."""
    trees = first.trained.fitted.facts.get("trees", plan.model.iterations)
    return replace(
        plan,
        model=replace(plan.model, validation_share=0.0, refit=False, iterations=max(1, int(trees))),
        calibration=replace(plan.calibration, calibration="none"),
    )


def _scored(plan: TrainingPlan, rejected: DataFrame, model: bytes, document: ModelDocument, shards: int) -> DataFrame:
    exposure = (plan.cutoff.exposure,) if plan.cutoff.exposure else ()
    features = tuple(dict.fromkeys((*plan.description.features, *exposure)))
    rows = to_rejected_rows(rejected, features, shards=shards, seed=plan.cluster.seed)
    return to_answers(rows, model, document, carry=dict(rows.dtypes)).select(*rows.columns, SCORE)


def _limits(accepted: DataFrame) -> tuple[float, ...]:
    """The upper ends of all bands but the last: each holds as many accepted borrowers as another."""
    number = band_count(accepted.where(f"{LABEL} = 1").count())
    quantiles = score_quantiles(accepted)
    return tuple(sorted({quantiles[1000 * place // number] for place in range(1, number)}))


def _bands(accepted: DataFrame, rejected: DataFrame, limits: tuple[float, ...]) -> tuple[Band, ...]:
    both = accepted.unionByName(rejected.withColumn(LABEL, F.lit(None).cast("int")))
    found = {row[BAND]: row for row in to_band_counts(with_band(both, limits)).collect()}
    return tuple(
        Band(found[n]["accepted"], found[n]["defaults"], found[n]["rejected"]) if n in found else Band(0, 0, 0)
        for n in range(len(limits) + 1)
    )


def _facts(bands: tuple[Band, ...], rates: tuple[float, ...]) -> Facts:
    return {"rejects": sum(band.rejected for band in bands), "inferred_bad_rate": inferred_bad_rate(bands, rates)}
