"""What a training asks of its engine, checked before any Spark work, and how many shards it is trained in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.fitting.resampling import resampling
from spark_jobs.engines.catboost.memory import TaskSize, shards_that_fit
from spark_jobs.engines.interface import Engine
from spark_jobs.engines.options import parsed_options

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


def check_choices(config: TrainModelConfig, description: DatasetDescription, engine: Engine) -> None:
    """Refuses what the engine cannot do.

    Raises:
        BadConfiguration: names every setting that it does not have, or that shards cannot share, and every feature
            that it cannot read.
    """
    options = parsed_options(config.engine_options)
    problems = list(engine.option_problems(options))
    if config.shards is not None and config.shards > 1:
        problems += [
            f"{what} cannot be merged from {config.shards} shards: ask for --shards 1"
            for what in engine.kept_whole_by(options, description.text)
        ]
    if not engine.takes_text:
        problems += [
            f"{engine.name} does not read the text feature {name}: choose --features without it, or catboost"
            for name in description.text
        ]
    if problems:
        raise BadConfiguration(*problems)
    declared = monotone(description)
    if declared and not engine.takes_monotone:
        log.warning("%s leaves the declared directions of %s aside", engine.name, ", ".join(sorted(declared)))


def monotone(description: DatasetDescription) -> dict[str, int]:
    """Feature → 1 where the catalogue lets a higher value only raise the default probability, -1 where only lower."""
    signs = {"rising": 1, "falling": -1}
    features = set(description.features)
    return {
        line.name: signs[line.monotone] for line in description.catalogue if line.monotone and line.name in features
    }


def chosen_shards(
    config: TrainModelConfig, description: DatasetDescription, engine: Engine, count: Callable[[], RowCounts]
) -> int:
    """The shards that were asked for; otherwise one where the rows fit into a task's memory, else as many as needed.

    Args:
        config: with ``native`` made out (``preparation.suited_to``).
        count: counts the rows; not called where shards are asked for.

    Raises:
        BadConfiguration: the rows do not fit, and a setting keeps the model in one task.
        BadInput: one class is to be resampled, and there is no other.
    """
    if config.shards is not None or not engine.merges_shards:
        return config.shards or 1
    size = _size(config, description, count())
    shards = shards_that_fit(size, config.task_memory_mb)
    whole = engine.kept_whole_by(parsed_options(config.engine_options), description.text)
    needed, inputs = size.needed_mb(), size.numeric + size.categorical + size.text
    if shards is None or (shards > 1 and whole):
        because = f" ({', '.join(whole)} keep the model in one task)" if whole else ""
        raise BadConfiguration(
            f"{size.rows} rows of {inputs} inputs need about {needed} MB{because}, a task has"
            f" {config.task_memory_mb}: raise the memory of executors and --task-memory-mb, or choose fewer --features"
        )
    log.info(
        "expecting, by the shares asked for, %d training rows, %d for validation, %d inputs: about %d MB in one task of"
        " %d MB, so %s",
        *(size.rows, size.validation_rows, inputs, needed, config.task_memory_mb),
        "one exact model" if shards == 1 else f"{shards} shards of about {size.of_shards(shards).needed_mb()} MB",
    )
    return shards


def _size(config: TrainModelConfig, description: DatasetDescription, counts: RowCounts) -> TaskSize:
    """Rows as they are once resampled, and the inputs that a preparation makes of the features, or somewhat more."""
    kept_back = config.validation_share + (config.calibration_share if config.calibration != "none" else 0.0)
    numeric, categorical = _inputs(config, description, counts)
    return TaskSize(
        rows=int(_resampled_rows(config, counts) * (1 - kept_back)),
        validation_rows=int(counts.rows * config.validation_share),
        numeric=numeric,
        categorical=categorical,
        depth=config.depth,
        text=len(description.text),
        is_ordered=parsed_options(config.engine_options).get("boosting_type") == "Ordered",
        added_rows=int(_resampled_rows(config, counts) * config.validation_share) if config.refit else 0,
    )


def _resampled_rows(config: TrainModelConfig, counts: RowCounts) -> float:
    if config.sampling in ("none", "class_weights"):
        return counts.rows
    others = counts.rows - counts.defaults
    k = resampling(config.sampling, config.sampling_factor, non_defaults=others, defaults=counts.defaults).factor
    return others + counts.defaults * k if config.sampling == "over" else others / k + counts.defaults


def _inputs(config: TrainModelConfig, description: DatasetDescription, counts: RowCounts) -> tuple[int, int]:
    """Numbers and categories that the model sees; which flags there are is known only once they are learnt: all."""
    numeric, categorical = len(description.numeric), len(description.categorical)
    added = len(config.deciles) + len(config.interactions)
    if config.missing_flags == "add":
        added += numeric + categorical
    if config.outliers == "flag":
        added += numeric
    if config.encoding == "native":
        return numeric + added, categorical
    return numeric + added + (counts.one_hot_columns if config.encoding == "one_hot" else categorical), 0
