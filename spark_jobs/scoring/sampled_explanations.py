"""Explaining a model on a sample of held-out borrowers: scored in a task, so that only aggregates and points travel.

See docs/adr/0028.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.contracts.tables.column_names import ID, LABEL
from arrears.model.metrics.explanations import Explanation
from arrears.scoring.columns import number_column
from arrears.scoring.contributions import explanation
from arrears.scoring.document import ModelDocument
from arrears.scoring.permutation import auc_losses
from spark_jobs.scoring.loaded_model import loaded, on_workers
from spark_jobs.transforms.ids import hash_of

SAMPLED_ROWS = 2_000  # the mean of so many absolute contributions is right to a few per cent
SHUFFLED_FEATURES = 50  # each is one more scoring of the sample


def explained(borrowers: DataFrame, model: bytes, document: ModelDocument, *, seed: int) -> Explanation:
    """Which features matter to the model, over the 2,000 borrowers whose hash is lowest.

    Args:
        borrowers: one row a held-out borrower: the id, the outcome, and at least ``document.features``.
        seed: of the sample.

    Raises:
        BadInput: no rows, or rows that lack a feature.
    """
    broadcast = on_workers(borrowers.sparkSession, model, document)

    def explain(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        sample = [batch for batch in batches if batch.num_rows]
        if sample:
            scorer, read = loaded(*broadcast.value)
            table = pa.Table.from_batches(sample)
            rows, outcomes = table.select(range(table.num_columns - 1)), table.column(table.num_columns - 1)
            findings = explanation(rows, scorer, read)
            leading = list(findings.importance)[:SHUFFLED_FEATURES]
            labels = number_column(outcomes).astype(np.float64)
            lost = auc_losses(rows, labels, scorer, read, features=leading, seed=seed)
            findings = replace(findings, auc_losses=lost)
            yield pa.RecordBatch.from_pydict({"explanation": [json.dumps(findings.to_dict())]})

    hashed = borrowers.withColumn("_order", hash_of(seed, "explanations", ID))
    outcome = F.col(LABEL).cast("double").alias("_outcome")
    features = (F.col(f"`{name}`") for name in document.features)
    sample = hashed.orderBy("_order", ID).limit(SAMPLED_ROWS).select(*features, outcome)
    rows = sample.coalesce(1).mapInArrow(explain, "explanation string").collect()
    if not rows:
        raise BadInput("there are no held-out rows to explain the model on")
    return Explanation.from_dict(json.loads(rows[0].explanation))
