"""Every engine that can train a model, in one table: what it learns, where it stands, and what reads its models.

The choices of ``--engine``, the registry of the Spark jobs, the loader of scorers and the packages that a model asks
for in MLflow are all read from here. CONTRIBUTING tells what else a new engine needs.

Modules stand here as text: this side knows no Spark, and a library is imported only where its engine is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from arrears.contracts.objectives import DEFAULT, LOSS, NEXT_PRODUCT, SEGMENTS


@dataclass(frozen=True)
class ModelFormat:
    """One form that trained models are kept in.

    Attributes:
        module, reader: of ``arrears.scoring.scorers``: what makes a scorer of the file's bytes.
        packages: what the file needs besides to be read, as pip knows them.
    """

    module: str
    reader: str
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class EngineEntry:
    """One engine for one objective.

    Attributes:
        module, attribute: of ``spark_jobs.engines``: what fits.
        model_format: the form of the file that it gives.
    """

    name: str
    objective: str
    module: str
    attribute: str = "ENGINE"
    model_format: str = "tables"


FORMATS: Mapping[str, ModelFormat] = {
    "catboost": ModelFormat("catboost_trees", "CatBoostTrees.from_bytes", ("catboost",)),
    "catboost_loss": ModelFormat("catboost_loss", "CatBoostLoss.from_bytes", ("catboost",)),
    "xgboost": ModelFormat("xgboost_trees", "XGBoostTrees.from_bytes", ("xgboost-cpu",)),
    "tables": ModelFormat("plain_tables", "read"),
}

ENGINES = (
    EngineEntry("catboost", DEFAULT, "catboost.engine", model_format="catboost"),
    EngineEntry("catboost-spark", DEFAULT, "catboost.spark_package", model_format="catboost"),
    EngineEntry("xgboost", DEFAULT, "xgboost", model_format="xgboost"),
    EngineEntry("logistic_regression", DEFAULT, "mllib.logistic_regression"),
    EngineEntry("random_forest", DEFAULT, "mllib.random_forest"),
    EngineEntry("gbt", DEFAULT, "mllib.gbt"),
    EngineEntry("naive_bayes", DEFAULT, "mllib.naive_bayes"),
    EngineEntry("scorecard", DEFAULT, "scorecard"),
    EngineEntry("catboost", LOSS, "catboost.loss_catboost", "fit", model_format="catboost_loss"),
    EngineEntry("linear", LOSS, "mllib.loss_mllib", "LINEAR"),
    EngineEntry("glm", LOSS, "mllib.loss_mllib", "GLM"),
    EngineEntry("random_forest", LOSS, "mllib.loss_mllib", "RANDOM_FOREST"),
    EngineEntry("gbt", LOSS, "mllib.loss_mllib", "GBT"),
    EngineEntry("kmeans", SEGMENTS, "mllib.clustering", "KMEANS"),
    EngineEntry("bisecting_kmeans", SEGMENTS, "mllib.clustering", "BISECTING_KMEANS"),
    EngineEntry("gaussian_mixture", SEGMENTS, "mllib.clustering", "GAUSSIAN_MIXTURE"),
    EngineEntry("als", NEXT_PRODUCT, "mllib.als", "fit"),
)

if TYPE_CHECKING:
    EngineName: TypeAlias = str
else:  # what forms, --help and the command line offer; a type checker takes no values that are computed
    EngineName = Literal[tuple(dict.fromkeys(entry.name for entry in ENGINES))]


def engines_of(objective: str) -> tuple[str, ...]:
    """The engines that learn an objective, by name."""
    return tuple(entry.name for entry in ENGINES if entry.objective == objective)


def engine_entry(objective: str, name: str) -> EngineEntry:
    """An engine's row for an objective.

    Raises:
        KeyError: the engine does not learn this.
    """
    return {(entry.objective, entry.name): entry for entry in ENGINES}[objective, name]


def engine_problems(objective: str, name: str) -> list[str]:
    """What is wrong with an engine for an objective. Says which engines learn it."""
    able = engines_of(objective)
    return [] if name in able else [f"engine {name} cannot do task {objective}: choose --engine {' or '.join(able)}"]
