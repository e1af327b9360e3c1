"""Who holds which products: product columns as interactions, and one held product of each customer hidden."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import ID
from spark_jobs.transforms.ids import hash_of

CUSTOMER, PRODUCT, HIDDEN = "customer", "product", "_hidden"
_BUCKETS = 4096


def holds(product: str) -> Column:
    """Whether a product is held: numbers above 0 say so. 0, missing and NaN do not."""
    amount = F.col(f"`{product}`").cast("double")
    return F.coalesce((amount > 0) & ~F.isnan(amount), F.lit(False))


def to_interactions(customers: DataFrame, products: Sequence[str], *, seed: int) -> DataFrame:
    """What is held, one line each. Grain: one row per customer and held product.

    Columns: ``customer`` (int from 0, by a hash of the id), ``product`` (int, its place), ``held`` (1.0).

    A customer's number is the number of customers in the buckets of hashes below, and the place in its own bucket:
    ``row_number`` over everyone would sort them in one task.
    """
    held_places = F.filter(
        F.array(*(F.when(holds(name), F.lit(place)) for place, name in enumerate(products))), lambda p: p.isNotNull()
    )
    owners = customers.select(ID, held_places.alias("_held")).where(F.size("_held") > 0)
    hashed = owners.withColumn("_hash", hash_of(seed, "customer number", ID))
    bucketed = hashed.withColumn("_bucket", F.pmod("_hash", F.lit(_BUCKETS)).cast("int"))
    counts = bucketed.groupBy("_bucket").agg(F.count(F.lit(1)).alias("_rows"))
    # One partition on purpose: there are at most 4,096 rows.
    below = Window.partitionBy(F.lit(0)).orderBy("_bucket").rowsBetween(Window.unboundedPreceding, -1)
    offsets = counts.select("_bucket", F.coalesce(F.sum("_rows").over(below), F.lit(0)).alias("_below"))
    inside = F.row_number().over(Window.partitionBy("_bucket").orderBy("_hash", ID)) - 1
    numbered = bucketed.withColumn("_place", inside).join(F.broadcast(offsets), on="_bucket", how="inner")
    return numbered.select(
        (F.col("_below") + F.col("_place")).cast("int").alias(CUSTOMER),
        F.explode("_held").alias(PRODUCT),
        F.lit(1.0).cast("float").alias("held"),
    )


def with_hidden_product(customers: DataFrame, products: Sequence[str], *, seed: int) -> DataFrame:
    """Hides one held product of each customer who holds two or more. Grain: one row per such customer.

    Columns: ``borrower_id``, ``hidden`` (the product's place), and each product as 1.0 or 0.0, the hidden one as 0.0.
    """
    # Which one is hidden is drawn by a hash of customer and product: the lowest goes.
    luck = [
        F.when(holds(name), F.struct(hash_of(seed, f"hidden {name}", ID).alias("luck"), F.lit(place).alias("place")))
        for place, name in enumerate(products)
    ]
    held_cells = F.filter(F.array(*luck), lambda cell: cell.isNotNull())
    owners = customers.withColumn("_held", held_cells).where(F.size("_held") >= 2)
    hidden = F.array_min("_held")["place"]
    visible = [
        F.when(holds(name) & (hidden != place), 1.0).otherwise(0.0).alias(name) for place, name in enumerate(products)
    ]
    return owners.select(ID, hidden.alias(HIDDEN), *visible)


def to_holder_shares(customers: DataFrame, products: Sequence[str]) -> DataFrame:
    """How many customers there are, and the share that holds each product. Grain: one row.

    Columns: ``rows``, ``holders`` (how many hold anything), ``shares`` (array, in the order of the products).
    """
    holds_any = F.greatest(*(holds(name) for name in products)) if len(products) > 1 else holds(products[0])
    return customers.agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_if(holds_any).alias("holders"),
        F.array(*(F.avg(holds(name).cast("double")) for name in products)).alias("shares"),
    )
