"""Customer segments: groups of customers with similar features, found without any outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.contracts.job_configs.training_choices import with_features
from arrears.contracts.objectives import SEGMENTS
from arrears.contracts.tables.column_names import ID, LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.metrics.segmentation import Segmentation, SegmentProfile
from arrears.reports.objective_page import Frame, ObjectivePage
from arrears.reports.segment_page import segment_page
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from arrears.scoring.scorers.clusters import Clusters
from spark_jobs.engines.engine_registry import engine_for
from spark_jobs.engines.interface import FittedModel
from spark_jobs.engines.objective_interface import FitObjective
from spark_jobs.measuring.scored_rows import persisted
from spark_jobs.objectives.beside_default import PREPARATION, BesideDefault
from spark_jobs.objectives.objective_rows import made_up_customer, objective_spec, prepared, training_rows
from spark_jobs.scoring.place_in_segments import POSITION, to_segmented
from spark_jobs.training.documents import document_of
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.scores.segment_profiles import SEGMENT, to_commonest_levels, to_number_profiles
from spark_jobs.transforms.training.training_rows import ROW_ORDER


def fit(
    spark: SparkSession, config: TrainModelConfig, description: DatasetDescription
) -> tuple[FittedModel, ModelDocument]:
    """Finds segments in the training rows of the pinned version.

    Categories take part when ``encoding`` turns them into numbers. With native encoding only numbers do, because a
    distance between levels would be made up.

    Raises:
        BadConfiguration: there is no numeric feature to segment by, or the engine refuses its settings.
    """
    description = with_features(description, config.features)
    if config.encoding == "native":
        description = replace(description, categorical=(), catalogue=())
    if not description.features:
        raise BadConfiguration("segments need numeric features, or encoding=one_hot for categories")
    customers = training_rows(spark, config).select(
        *(F.col(f"`{name}`") for name in description.features),
        LABEL,
        hash_of(config.seed, "order", ID).alias(ROW_ORDER),
    )
    with persisted(customers) as rows:
        prepared_rows = prepared(
            rows, config, description, objective=SEGMENTS, numbers_only=True, row_count=rows.count()
        )
        find_segments: FitObjective = engine_for(SEGMENTS, config.engine)
        fitted = replace(find_segments(prepared_rows, objective_spec(config)), example=made_up_customer(prepared_rows))
    return fitted, document_of(config, prepared_rows, fitted)


def measure(
    borrowers: DataFrame,
    config: EvaluateModelConfig,
    description: DatasetDescription,
    model: bytes,
    document: ModelDocument,
) -> Segmentation:
    """Puts the held-out customers into segments and describes each."""
    numeric = [name for name in description.numeric if name in borrowers.columns]
    categorical = [name for name in description.categorical if name in borrowers.columns]
    return described(
        to_segmented(borrowers, model, document, carry=[*numeric, *categorical, LABEL]), numeric, categorical
    )


def page(
    segmentation: Segmentation, champion: Segmentation | None, frame: Frame, model: bytes, document: ModelDocument
) -> ObjectivePage:
    """The report's page."""
    tables = cast(Clusters, load_scorer(document.model_format, model))
    by_number = sorted(zip(tables.numbers, tables.centres, strict=True))
    return segment_page(
        segmentation,
        champion,
        frame,
        inputs=document.inputs,
        middles=[centre for _, centre in by_number],
        importance=tables.importance(),
    )


def described(customers: DataFrame, numeric: list[str], categorical: list[str]) -> Segmentation:
    """Measures and profiles customers whose segment is known.

    Args:
        customers: one row per customer: ``_segment``, ``_position`` (standardised inputs), the features and the label.
    """
    with persisted(customers) as placed:
        numbers = to_number_profiles(placed, numeric).collect()
        levels = to_commonest_levels(placed, categorical).collect() if categorical else []
        everyone = next(row for row in numbers if row[SEGMENT] is None)
        segment_rows = [row for row in numbers if row[SEGMENT] is not None]
        silhouette = _silhouette(placed) if len(segment_rows) > 1 else 0.0
    total = everyone["rows"]
    profiles = sorted((_profile(row, levels, total) for row in segment_rows), key=lambda profile: profile.segment)
    return Segmentation(silhouette, tuple(profiles), _profile(everyone, [], total))


def _silhouette(customers: DataFrame) -> float:
    vectors = customers.select(array_to_vector(F.col(POSITION)).alias("features"), F.col(SEGMENT).alias("prediction"))
    return float(ClusteringEvaluator().evaluate(vectors))


def _profile(numbers: Row, levels: list[Row], total: int) -> SegmentProfile:
    rows = numbers["rows"]
    means = {name: mean for name, mean in numbers["means"].asDict().items() if name != "_"}
    own = sorted((level for level in levels if level[SEGMENT] == numbers[SEGMENT]), key=lambda level: level["feature"])
    return SegmentProfile(
        segment=numbers[SEGMENT] or 0,
        rows=rows,
        share=rows / total,
        default_rate=numbers["default_rate"],
        means=means,
        commonest={level["feature"]: (level["level"], level["rows"] / rows) for level in own},
    )


OBJECTIVE = BesideDefault(
    SEGMENTS, fit, measure, page, shown=("engine", "engine_options", "iterations", "clusters", *PREPARATION, "seed")
)
