"""Every choice of a training, checked together before anything is read, looked at for leaks, or kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspark.sql.types import NumericType, StructType

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.job_configs.training_choices import with_features
from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.engines.engine_registry import engine_named
from spark_jobs.training.learnt_preparation import interactions, suited_to
from spark_jobs.training.sharding import check_choices


def check_all_choices(config: TrainModelConfig, description: DatasetDescription, columns: StructType) -> None:
    """Refuses what does not fit the data set, the engine or the columns of the training set.

    Args:
        columns: of the training set.

    Raises:
        BadConfiguration: lists all of it.
    """
    engine = engine_named(config.engine)
    known = tuple(dict.fromkeys(name for name in config.features if name in description.features))
    chosen = with_features(description, known)
    problems = [
        *_problems_of(lambda: with_features(description, config.features)),
        *_problems_of(lambda: interactions(config, chosen)),
        *_problems_of(lambda: suited_to(engine, config, chosen)),
        *_problems_of(lambda: check_choices(config, chosen, engine)),
        *_column_problems(config, columns),
    ]
    if problems:
        raise BadConfiguration(*problems)


def _column_problems(config: TrainModelConfig, columns: StructType) -> list[str]:
    kinds = {field.name: field.dataType for field in columns.fields}
    problems = [f"segment_by: the training set has no column {name}" for name in config.segment_by if name not in kinds]
    if config.exposure is not None and config.exposure not in kinds:
        problems.append(f"exposure: the training set has no column {config.exposure}; name one of its numbers")
    elif config.exposure is not None and not isinstance(kinds[config.exposure], NumericType):
        problems.append(f"exposure: {config.exposure} is no number")
    return problems


def _problems_of(check: Callable[[], Any]) -> tuple[str, ...]:
    try:
        check()
    except BadConfiguration as refused:
        return refused.problems
    return ()
