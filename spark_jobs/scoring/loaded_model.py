"""A trained model on its way to the tasks: broadcast once by the driver, loaded once by each Python worker."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import Scorer, load_scorer

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import SparkSession


def on_workers(spark: SparkSession, model: bytes, document: ModelDocument) -> Broadcast[tuple[bytes, str]]:
    """The model's file and its document, sent to every executor that asks."""
    return spark.sparkContext.broadcast((model, document.to_json()))


@lru_cache(maxsize=2)  # the candidate and the champion
def loaded(content: bytes, document: str) -> tuple[Scorer, ModelDocument]:
    """The model and its document, read once in each Python worker."""
    read = ModelDocument.from_json(document)
    return load_scorer(read.model_format, content), read
