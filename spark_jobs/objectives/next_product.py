"""Next product: what a customer is likely to take next, learnt from who holds what."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.contracts.objectives import NEXT_PRODUCT
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.metrics.recommendations import Recommendation
from arrears.reports.objective_page import Frame, ObjectivePage
from arrears.reports.product_page import product_page
from arrears.scoring.document import ModelDocument
from spark_jobs.engines.engine_registry import engine_for
from spark_jobs.engines.interface import FittedModel
from spark_jobs.engines.objective_interface import ObjectiveRows
from spark_jobs.io.checkpoints import checkpoints
from spark_jobs.measuring.scored_rows import persisted
from spark_jobs.objectives.beside_default import BesideDefault
from spark_jobs.objectives.objective_rows import objective_spec, training_rows
from spark_jobs.scoring.rank_products import BY_MODEL, BY_POPULARITY, FIRST, to_rank_counts
from spark_jobs.training.documents import document_of
from spark_jobs.transforms.scores.holdings import to_holder_shares, to_interactions, with_hidden_product

FEWEST_PRODUCTS = 3


def fit(
    spark: SparkSession, config: TrainModelConfig, description: DatasetDescription
) -> tuple[FittedModel, ModelDocument]:
    """Learns tastes from the training customers of the pinned version.

    Raises:
        BadConfiguration: the data set declares too few products, or the engine refuses its settings.
        BadInput: no customer holds anything.
    """
    products = _products(description)
    with persisted(training_rows(spark, config)) as customers:
        (counted,) = to_holder_shares(customers, products).collect()
        if not counted["holders"]:
            raise BadInput(f"nobody of {counted['rows']} customers holds any of {', '.join(products)}")
        interactions = to_interactions(customers, products, seed=config.seed)
        spec = objective_spec(config)
        with checkpoints(spark, config.addresses.snapshot(config.dataset, f"checkpoints-{config.run_label}")):
            learn_tastes = engine_for(NEXT_PRODUCT, config.engine)
            fitted = learn_tastes(interactions, products, counted["shares"], spec, customers=counted["holders"])
    # A made-up customer who holds the most popular product.
    popular = max(range(len(products)), key=lambda place: counted["shares"][place])
    fitted = replace(fitted, example={name: float(place == popular) for place, name in enumerate(products)})
    return fitted, document_of(config, ObjectiveRows(customers, counted["rows"], products), fitted)


def measure(
    borrowers: DataFrame,
    config: EvaluateModelConfig,
    description: DatasetDescription,
    model: bytes,
    document: ModelDocument,
) -> Recommendation:
    """Hides one product of each held-out customer and counts at which rank it is offered.

    Raises:
        BadInput: no held-out customer holds two products.
    """
    return measured(borrowers, model, document.numeric, seed=config.seed)


def page(
    recommendation: Recommendation, champion: Recommendation | None, frame: Frame, model: bytes, document: ModelDocument
) -> ObjectivePage:
    """The report's page."""
    return product_page(recommendation, champion, frame)


def measured(customers: DataFrame, model: bytes, products: tuple[str, ...], *, seed: int) -> Recommendation:
    """The same for any customers: one row each, with the product columns."""
    with_hidden = with_hidden_product(customers, products, seed=seed)
    counts: dict[str, dict[int, int]] = {BY_MODEL: {}, BY_POPULARITY: {}, FIRST: {}}
    for row in sorted(to_rank_counts(with_hidden, model, products).collect()):
        counts[row["measure"]][row["value"]] = row["customers"]
    total = sum(counts[BY_MODEL].values())
    if not total:
        raise BadInput(
            "no held-out customer holds two products: one is hidden, the other tells of the customer's taste"
        )
    (holder_shares,) = to_holder_shares(customers, products).collect()
    return Recommendation(
        customers=total,
        by_model=counts[BY_MODEL],
        by_popularity=counts[BY_POPULARITY],
        holders=dict(zip(products, holder_shares["shares"], strict=True)),
        offered_first={name: counts[FIRST].get(place, 0) / total for place, name in enumerate(products)},
    )


def _products(description: DatasetDescription) -> tuple[str, ...]:
    if len(description.products) < FEWEST_PRODUCTS:
        raise BadConfiguration(
            f"data set {description.name} declares {len(description.products)} products: next_product needs"
            f" {FEWEST_PRODUCTS} at least, named in the description (products: …, among kept or numeric)"
        )
    return description.products


OBJECTIVE = BesideDefault(NEXT_PRODUCT, fit, measure, page, shown=("engine", "engine_options", "iterations", "seed"))
