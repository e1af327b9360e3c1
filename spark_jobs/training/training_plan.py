"""What a training of default is asked for, checked and resolved once: nothing later resolves a choice again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pyspark.sql.types import NumericType, StructType

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.engine_choices import ClusterChoices, EngineChoices
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.job_configs.model_choices import CalibrationChoices, CutoffChoices
from arrears.contracts.job_configs.preparation_choices import PreparationChoices, RejectChoices, SamplingChoices
from arrears.contracts.job_configs.training_choices import with_features
from arrears.contracts.job_configs.training_job import TrainingRun
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.nearest_names import did_you_mean
from spark_jobs.engines.engine_registry import engine_named
from spark_jobs.engines.interface import Engine
from spark_jobs.engines.options import parsed_options
from spark_jobs.training.learnt_preparation import interactions, suited_to

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class TrainingPlan:
    """How one model of default is trained. Shards and resampling follow from the rows, once, when these are pinned.

    Attributes:
        description: of the data set, with the features that the model may see and no others.
        options: of the engine, by its own names.
        preparation: with ``native`` resolved: what the engine cannot take as it comes is turned into what it can.
    """

    run: TrainingRun
    description: DatasetDescription
    engine: Engine
    options: Mapping[str, Any]
    model: EngineChoices
    cluster: ClusterChoices
    sampling: SamplingChoices
    preparation: PreparationChoices
    calibration: CalibrationChoices
    cutoff: CutoffChoices
    rejects: RejectChoices

    @property
    def calibration_share(self) -> float:
        """The share of the rows that is kept for the calibration. 0 where none is asked for."""
        return self.calibration.calibration_share if self.calibration.calibration != "none" else 0.0

    @property
    def engine_settings(self) -> dict[str, Any]:
        """What reaches the engine of the analyst's choices, as fields of a ``TrainingSpec``."""
        return {
            "iterations": self.model.iterations,
            "depth": self.model.depth,
            "learning_rate": self.model.learning_rate,
            "early_stopping_rounds": self.model.early_stopping_rounds,
            "threads": self.cluster.threads,
            "options": self.options,
        }


def training_plan(
    config: TrainModelConfig, description: DatasetDescription, columns: StructType | None = None
) -> TrainingPlan:
    """Resolves what a configuration asks for, before anything is read, checked for leaks, or stored.

    Args:
        columns: of the training set. None: what names a column is not checked.

    Raises:
        BadConfiguration: lists all that does not fit the data set, the engine or the columns.
    """
    engine, options = engine_named(config.engine), parsed_options(config.engine_options)
    names = tuple(dict.fromkeys(name for name in config.features if name in description.features))
    selected = with_features(description, names)
    problems: list[str] = []
    _resolved(problems, lambda: with_features(description, config.features))
    _resolved(problems, lambda: interactions(config, selected))
    preparation = _resolved(problems, lambda: suited_to(engine, PreparationChoices.of(config), selected))
    _resolved(problems, lambda: check_engine(engine, options, config.shards, selected))
    if columns is not None:
        problems += _column_problems(columns, segment_by=config.segment_by, exposure=config.exposure)
    if problems or preparation is None:
        raise BadConfiguration(*problems)
    return TrainingPlan(
        run=config,
        description=selected,
        engine=engine,
        options=options,
        model=EngineChoices.of(config),
        cluster=ClusterChoices.of(config),
        sampling=SamplingChoices.of(config),
        preparation=preparation,
        calibration=CalibrationChoices.of(config),
        cutoff=CutoffChoices.of(config),
        rejects=RejectChoices.of(config),
    )


def check_engine(
    engine: Engine, options: Mapping[str, Any], shards: int | None, description: DatasetDescription
) -> None:
    """Refuses what the engine cannot do.

    Raises:
        BadConfiguration: names every setting that it does not have, or that shards cannot share, and every feature
            that it cannot read.
    """
    problems = list(engine.option_problems(options))
    if shards is not None and shards > 1:
        problems += [
            f"{what} cannot be merged from {shards} shards: ask for --shards 1"
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


def _column_problems(columns: StructType, *, segment_by: tuple[str, ...], exposure: str | None) -> list[str]:
    kinds = {field.name: field.dataType for field in columns.fields}
    problems = [
        f"segment_by: the training set has no column {name}{did_you_mean(name, kinds)}"
        for name in segment_by
        if name not in kinds
    ]
    if exposure is not None and exposure not in kinds:
        near = did_you_mean(exposure, kinds) or "; name one of its numbers"
        problems.append(f"exposure: the training set has no column {exposure}{near}")
    elif exposure is not None and not isinstance(kinds[exposure], NumericType):
        problems.append(f"exposure: {exposure} is no number")
    return problems


def _resolved(problems: list[str], make: Callable[[], T]) -> T | None:
    """What a choice becomes. None where it is refused, and the problems say why."""
    try:
        return make()
    except BadConfiguration as refused:
        problems.extend(refused.problems)
        return None
