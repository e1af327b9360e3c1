"""Ranks the products that customers lack, in the tasks, and tells at which rank the hidden one is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import cast

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.scoring.batch import number_matrix
from arrears.scoring.scorers import load_scorer
from arrears.scoring.scorers.products import ProductTastes
from spark_jobs.engines.mllib.classifiers import MODEL_FORMAT
from spark_jobs.transforms.scores.holdings import HIDDEN

BY_MODEL, BY_POPULARITY, FIRST = "by_model", "by_popularity", "first"


def to_rank_counts(customers: DataFrame, model: bytes, products: Sequence[str]) -> DataFrame:
    """How many customers' hidden product is found at which rank. Grain: one row per measure and value.

    Args:
        customers: what ``with_hidden_product`` gave.

    Columns: ``measure`` (``by_model``, ``by_popularity``: a rank from 1; ``first``: the product that the model offers
    first), ``value``, ``customers``.
    """
    on_workers = customers.sparkSession.sparkContext.broadcast(model)

    def rank(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            tastes = _loaded(on_workers.value)
            holdings, hidden = number_matrix(table, products), table.column(HIDDEN).to_pylist()
            offers, popular = tastes.ranked(holdings), tastes.ranked_by_popularity(holdings)
            ranks = [
                [_rank(places, product) for places, product in zip(ranked, hidden, strict=True)]
                for ranked in (offers, popular)
            ]
            first = [places[0] for places in offers]
            columns = [pa.array(values, pa.int32()) for values in (*ranks, first)]
            yield pa.RecordBatch.from_arrays(columns, names=[BY_MODEL, BY_POPULARITY, FIRST])

    selected = customers.select(HIDDEN, *(F.col(f"`{name}`") for name in products))
    ranked = selected.mapInArrow(rank, f"{BY_MODEL} int, {BY_POPULARITY} int, {FIRST} int")
    measures = F.explode(
        F.array(
            *(
                F.struct(F.lit(name).alias("measure"), F.col(name).alias("value"))
                for name in (BY_MODEL, BY_POPULARITY, FIRST)
            )
        )
    )
    counted = ranked.select(measures.alias("cell")).groupBy("cell.measure", "cell.value")
    return counted.agg(F.count(F.lit(1)).alias("customers"))


def _rank(places: list[int], product: int) -> int:
    return places.index(product) + 1 if product in places else 0


@lru_cache(maxsize=2)  # the candidate and the champion
def _loaded(content: bytes) -> ProductTastes:
    """The tastes, loaded once per Python worker."""
    return cast(ProductTastes, load_scorer(MODEL_FORMAT, content))
