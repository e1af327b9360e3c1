"""CatBoost's regression of a loss in one Spark task: exact, with categories and missing values as they come.

Losses are known of defaults alone, so the rows of one task's memory are enough.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.batch import prepared_input
from spark_jobs.engines.interface import FittedModel
from spark_jobs.engines.objective_interface import IS_VALIDATION, TARGET, ObjectiveRows, ObjectiveSpec
from spark_jobs.transforms.training.training_rows import ROW_ORDER

FORMAT = "catboost_loss"
LOSSES = ("RMSE", "MAE", "Huber", "LogCosh", "Poisson", "Tweedie")
_OURS = (
    *("iterations", "depth", "random_seed", "thread_count", "learning_rate", "early_stopping_rounds"),
    *("allow_writing_files", "verbose", "use_best_model"),
)


def fit(objective_rows: ObjectiveRows, spec: ObjectiveSpec) -> FittedModel:
    """Trains on the rows outside the validation slice, which only ends the training early.

    Raises:
        BadConfiguration: names every setting that CatBoost does not have, or that is set elsewhere.
    """
    _check(spec)
    numeric, categorical, preparation = objective_rows.numeric, objective_rows.categorical, objective_rows.preparation

    def train(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = pa.Table.from_batches(list(batches))
        held_back = rows.column(IS_VALIDATION)
        pools = [
            _pool(rows.filter(selected), numeric, categorical, preparation)
            for selected in (pc.invert(held_back), held_back)
        ]
        yield pa.RecordBatch.from_pylist([_trained(pools[0], pools[1], spec)], schema=_FITTED)

    columns = [*numeric, *categorical, TARGET, IS_VALIDATION, ROW_ORDER]
    one_task = (
        objective_rows.rows.select(*(F.col(f"`{c}`") for c in columns)).repartition(1).sortWithinPartitions(ROW_ORDER)
    )
    (trained,) = one_task.mapInArrow(train, "model binary, trees long, version string").collect()
    facts: dict[str, float | int | str] = {"train_rows": objective_rows.row_count, "trees": trained["trees"]}
    return FittedModel(bytes(trained["model"]), f"catboost {trained['version']}", facts, model_format=FORMAT)


_FITTED = pa.schema([("model", pa.binary()), ("trees", pa.int64()), ("version", pa.string())])


def _check(spec: ObjectiveSpec) -> None:
    import inspect

    from catboost import CatBoostRegressor

    parameters = set(inspect.signature(CatBoostRegressor.__init__).parameters) - {"self"}
    problems = [
        f"engine_options: CatBoost takes no {name} here" for name in spec.options if name not in parameters - {*_OURS}
    ]
    loss = str(spec.options.get("loss_function", "RMSE"))
    if re.split(r"[:;]", loss)[0] not in LOSSES:
        problems.append(f"engine_options: loss_function of a loss model is one of {', '.join(LOSSES)}, not {loss}")
    if problems:
        raise BadConfiguration(*problems)


def _pool(rows: pa.Table, numeric: Any, categorical: Any, preparation: Any) -> Any:
    from catboost import Pool

    if rows.num_rows == 0:
        return None
    return Pool(prepared_input(rows, preparation, numeric, categorical), label=rows.column(TARGET).to_numpy())


def _trained(train: Any, validation: Any, spec: ObjectiveSpec) -> dict[str, Any]:
    from catboost import CatBoostRegressor, __version__

    model = CatBoostRegressor(
        iterations=spec.iterations,
        learning_rate=spec.learning_rate,
        depth=spec.depth,
        random_seed=spec.seed,
        thread_count=spec.threads,
        early_stopping_rounds=spec.early_stopping_rounds if validation is not None else None,
        allow_writing_files=False,
        verbose=0,
        **spec.options,
    )
    model.fit(train, eval_set=validation, use_best_model=validation is not None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.cbm")
        model.save_model(str(path), format="cbm")
        return {"model": path.read_bytes(), "trees": model.tree_count_, "version": __version__}
