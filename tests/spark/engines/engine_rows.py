"""Rows in files as a run would find them, and a model's scores of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

from arrears.scoring.batch import default_probabilities
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from spark_jobs.engines.interface import FittedModel, TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, Snapshot


def written(borrowers: pa.Table, folder: Path, *, files: int) -> Snapshot:
    """The rows of each shard in so many files, each of several row groups."""
    slices: list[FileSlice] = []
    shards = borrowers.column("shard").to_numpy()
    for shard in sorted(set(shards.tolist())):
        of_shard = borrowers.filter(pa.array(shards == shard)).drop(["shard"])
        for number in range(files):
            path = folder / f"{shard}-{number}.parquet"
            part = of_shard.filter(pa.array(np.arange(of_shard.num_rows) % files == number))
            pq.write_table(part, path, row_group_size=200)
            groups = pq.ParquetFile(path).metadata
            slices += [
                FileSlice(path.as_uri(), group, groups.row_group(group).num_rows, shard)
                for group in range(groups.num_row_groups)
            ]
    return Snapshot(tuple(slices), sum(piece.rows for piece in slices), "digest", "row_order")


def document(spec: TrainingSpec, fitted: FittedModel) -> ModelDocument:
    return ModelDocument(
        *("d", "v", fitted.engine, spec.numeric, spec.categorical),
        preparation=spec.preparation,
        model_format=fitted.model_format,
    )


def scores(rows: pa.Table, fitted: FittedModel, spec: TrainingSpec) -> Any:
    return default_probabilities(rows, load_scorer(fitted.model_format, fitted.model), document(spec, fitted))


def auc(labels: Any, chances: Any) -> float:
    """scikit-learn's area under the ROC curve."""
    return float(roc_auc_score(labels, chances))
