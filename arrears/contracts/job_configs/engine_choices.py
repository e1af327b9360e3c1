"""What an analyst chooses of the engine and of the cluster that a model is trained by. Defaults live here only."""

from __future__ import annotations

from dataclasses import dataclass

from arrears.contracts.engines import EngineName, engines_of
from arrears.contracts.job_configs.arguments import Choices, option
from arrears.contracts.objectives import LOSS, NEXT_PRODUCT, SEGMENTS

# Sections of the forms and of --help.
_ENGINE = "More about the engine"
_CLUSTER = "Cluster, memory and seed"

_ENGINES_BY_OBJECTIVE = "; ".join(f"{what}: {', '.join(engines_of(what))}" for what in (LOSS, SEGMENTS, NEXT_PRODUCT))


@dataclass(frozen=True, kw_only=True)
class EngineChoices(Choices):
    """Which library trains, how long, and on how many of the rows."""

    engine: EngineName = option(
        "catboost",
        help=f"which library trains; {_ENGINES_BY_OBJECTIVE}",
        title="Engine",
    )
    engine_options: tuple[str, ...] = option(
        (),
        help="more settings of the engine by its own names: boosting_type=Ordered,l2_leaf_reg=5",
        title="Engine's own settings",
        section=_ENGINE,
    )
    iterations: int = option(
        1000,
        help="most trees, or most steps of a linear model",
        minimum=1,
        maximum=100_000,
        title="Trees or steps, at most",
    )
    learning_rate: float | None = option(
        None,
        help="step size of boosted trees; empty: the engine chooses",
        minimum=1e-6,
        maximum=1.0,
        title="Learning rate",
    )
    depth: int = option(6, help="tree depth", minimum=1, maximum=16, title="Tree depth")
    early_stopping_rounds: int = option(
        50,
        help="boosted trees stop after so many without gain on the validation slice",
        minimum=1,
        title="Early stopping",
        unit="rounds",
        section=_ENGINE,
    )
    clusters: int = option(4, help="segments: how many", minimum=2, maximum=50, title="Clusters", section=_ENGINE)
    validation_share: float = option(
        0.2,
        help="share of training rows kept to end a training early and to choose the cut-off; 0: none, all iterations"
        " are trained on all rows, and three more models each score the third that they have not seen",
        minimum=0.0,
        maximum=0.5,
        title="Rows kept for validation",
        unit="share",
        section=_ENGINE,
    )
    refit: bool = option(
        True,
        help="train again on all rows, the slice among them, with the trees that it found; false: the slice stays out",
        title="Train again on all rows",
        section=_ENGINE,
    )


@dataclass(frozen=True, kw_only=True)
class ClusterChoices(Choices):
    """What one training may use of the cluster, and the seed behind all that is random."""

    shards: int | None = option(
        None,
        help="CatBoost: 1 is the exact model in one task, N are N models in N tasks, merged; empty: as memory allows",
        minimum=1,
        maximum=256,
        title="Shards",
        section=_CLUSTER,
    )
    task_memory_mb: int = option(
        4096,
        help="memory that one task may use, in MB; rows that need more are trained in shards",
        minimum=256,
        title="Memory of a training task",
        unit="MB",
        section=_CLUSTER,
    )
    threads: int = option(
        2,
        help="threads a task; part of what makes a model reproducible",
        minimum=1,
        maximum=256,
        title="Threads of a training task",
        section=_CLUSTER,
    )
    seed: int = option(
        42, help="seed of the model, the slices, the shards and the sampling", title="Seed", section=_CLUSTER
    )
