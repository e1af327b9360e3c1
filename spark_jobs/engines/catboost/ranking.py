"""CatBoost's own feature selection, in one Spark task: what it can do without, in the order of giving it up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.batch import prepared_input
from spark_jobs.engines.catboost.catboost_options import classifier_settings
from spark_jobs.engines.catboost.pools import level_names, number_names, weigh_for_stopping
from spark_jobs.engines.interface import VALIDATION_SHARD, TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, ReadSlices, Snapshot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_STEPS = 10  # each step trains a model anew, and gives up several features where they are many


def eliminated_inputs(spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices) -> list[str]:
    """The model's inputs in the order in which CatBoost gives them up, the one that it keeps to the end last.

    Recursive elimination by SHAP values on the validation slice (``CatBoost.select_features``).

    Raises:
        BadConfiguration: there are text features.
    """
    if spec.text:
        raise BadConfiguration(
            f"select_features ranks no text: leave out {', '.join(spec.text)} by fixed.features,"
            " or search by importance"
        )
    train, validation, sort_key = snapshot.shard(0), snapshot.shard(VALIDATION_SHARD), snapshot.sort_key

    def select(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for _ in range(batch.num_rows):
                held_back = _pool(validation, spec.of_every_row(), sort_key, read)
                weigh_for_stopping(held_back, np.array(held_back.get_label(), dtype=np.float64), spec)
                names = _eliminated(_pool(train, spec, sort_key, read), held_back, spec)
                yield pa.RecordBatch.from_pydict({"names": [names]})

    (row,) = spark.range(0, 1, 1, 1).mapInArrow(select, "names array<string>").collect()
    return list(row["names"])


def _pool(slices: Sequence[FileSlice], spec: TrainingSpec, sort_key: str, read: ReadSlices) -> Any:
    from catboost import Pool

    rows = read(slices, [*spec.numeric, *spec.categorical, spec.label, sort_key])
    rows = spec.preparation.drop_outliers(rows.take(pc.sort_indices(rows, sort_keys=[(sort_key, "ascending")])))
    data = prepared_input(rows, spec.preparation, spec.numeric, spec.categorical)
    return Pool(data, label=rows.column(spec.label).to_numpy())


def _eliminated(train: Any, validation: Any, spec: TrainingSpec) -> list[str]:
    from catboost import CatBoostClassifier, EFeaturesSelectionAlgorithm

    inputs = [*number_names(spec), *level_names(spec)]
    if len(inputs) == 1:
        return inputs
    settings = classifier_settings(spec, names=tuple(inputs), has_validation=True) | {"verbose": False}
    if "monotone_constraints" in settings:  # by place: CatBoost's selection does not know features by name
        settings["monotone_constraints"] = {place: spec.direction(name) for place, name in enumerate(inputs)}
    model = CatBoostClassifier(**settings, allow_writing_files=False)
    summary = model.select_features(
        train,
        eval_set=validation,
        features_for_select=list(range(len(inputs))),
        num_features_to_select=1,
        steps=min(MOST_STEPS, len(inputs) - 1),
        algorithm=EFeaturesSelectionAlgorithm.RecursiveByShapValues,
        train_final_model=False,
    )
    return [inputs[number] for number in (*summary["eliminated_features"], *summary["selected_features"])]
