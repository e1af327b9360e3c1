"""How many shards a training is trained in: as many as the memory of a task asks for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.preparation_choices import PreparationChoices, SamplingChoices
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.fitting.resampling import resampling
from spark_jobs.engines.catboost.memory import TaskSize, shards_that_fit
from spark_jobs.training.training_plan import TrainingPlan

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RowCounts:
    """What a training's memory depends on.

    Attributes:
        rows: of the training set, slices that are kept back among them.
        one_hot_columns: how many columns the categories become where each level is one.
    """

    rows: int
    defaults: int
    one_hot_columns: int = 0


def chosen_shards(plan: TrainingPlan, count: Callable[[], RowCounts]) -> int:
    """The shards that were asked for, else one where the rows fit into a task's memory, else as many as needed.

    Args:
        count: counts the rows. Not called where shards are asked for.

    Raises:
        BadConfiguration: the rows do not fit, and a setting keeps the model in one task.
        BadInput: one class is to be resampled, and there is no other.
    """
    cluster = plan.cluster
    if cluster.shards is not None or not plan.engine.merges_shards:
        return cluster.shards or 1
    size = _size(plan, count())
    shards = shards_that_fit(size, cluster.task_memory_mb)
    whole = plan.engine.kept_whole_by(plan.options, plan.description.text)
    needed, inputs = size.needed_mb(), size.numeric + size.categorical + size.text
    if shards is None or (shards > 1 and whole):
        because = f" ({', '.join(whole)} keep the model in one task)" if whole else ""
        raise BadConfiguration(
            f"{size.rows} rows of {inputs} inputs need about {needed} MB{because}, a task has"
            f" {cluster.task_memory_mb}: raise the memory of executors and --task-memory-mb, or choose fewer --features"
        )
    log.info(
        "expecting, by the shares asked for, %d training rows, %d for validation, %d inputs: about %d MB in one task of"
        " %d MB, so %s",
        *(size.rows, size.validation_rows, inputs, needed, cluster.task_memory_mb),
        "one exact model" if shards == 1 else f"{shards} shards of about {size.of_shards(shards).needed_mb()} MB",
    )
    return shards


def _size(plan: TrainingPlan, counts: RowCounts) -> TaskSize:
    """Rows as they are once resampled, and the inputs that a preparation makes of the features, or somewhat more."""
    model, rows = plan.model, _resampled_rows(plan.sampling, counts)
    numeric, categorical = _inputs(plan.preparation, plan.description, counts)
    return TaskSize(
        rows=int(rows * (1 - (model.validation_share + plan.calibration_share))),
        validation_rows=int(counts.rows * model.validation_share),
        numeric=numeric,
        categorical=categorical,
        depth=model.depth,
        text=len(plan.description.text),
        is_ordered=plan.options.get("boosting_type") == "Ordered",
        added_rows=int(rows * model.validation_share) if model.refit else 0,
    )


def _resampled_rows(choices: SamplingChoices, counts: RowCounts) -> float:
    if choices.sampling in ("none", "class_weights"):
        return counts.rows
    others = counts.rows - counts.defaults
    k = resampling(choices.sampling, choices.sampling_factor, non_defaults=others, defaults=counts.defaults).factor
    return others + counts.defaults * k if choices.sampling == "over" else others / k + counts.defaults


def _inputs(choices: PreparationChoices, description: DatasetDescription, counts: RowCounts) -> tuple[int, int]:
    """How many numbers and categories the model sees at most: flags are known only once they are learnt."""
    numeric, categorical = len(description.numeric), len(description.categorical)
    added = len(choices.deciles) + len(choices.interactions)
    if choices.missing_flags == "add":
        added += numeric + categorical
    if choices.outliers == "flag":
        added += numeric
    if choices.encoding == "native":
        return numeric + added, categorical
    return numeric + added + (counts.one_hot_columns if choices.encoding == "one_hot" else categorical), 0
