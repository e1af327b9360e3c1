"""Which of CatBoost's own settings an analyst may choose, and which of them keep the model in one task."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from spark_jobs.engines.interface import TrainingSpec

PROGRESS_TREES = 100
BORDER_ROWS = 200_000  # CatBoost itself looks at so many rows when it chooses borders
ONE_HOT_LEVELS = 255  # CatBoost's limit; category statistics (CTR) of shards cannot be merged without moving scores

# Ours under all of CatBoost's synonyms, each with where it is chosen instead.
_ELSEWHERE = {
    **dict.fromkeys(("iterations", "n_estimators", "num_boost_round", "num_trees"), "iterations"),
    **dict.fromkeys(("learning_rate", "eta"), "learning_rate"),
    **dict.fromkeys(("depth", "max_depth"), "depth"),
    **dict.fromkeys(("random_seed", "random_state"), "seed"),
    "thread_count": "threads",
    **dict.fromkeys(
        ("early_stopping_rounds", "od_type", "od_wait", "od_pval", "use_best_model"), "early_stopping_rounds"
    ),
    **dict.fromkeys(("class_weights", "auto_class_weights", "scale_pos_weight"), "sampling"),
    "monotone_constraints": "the feature catalogue",
    **dict.fromkeys(("cat_features", "text_features", "embedding_features"), "the data set's description"),
}
_FIXED = (
    *("loss_function", "objective", "classes_count", "class_names", "target_border", "callback", "eval_fraction"),
    *("allow_writing_files", "train_dir", "save_snapshot", "snapshot_file", "snapshot_interval", "name", "metadata"),
    *("verbose", "silent", "logging_level", "metric_period", "input_borders", "output_borders", "used_ram_limit"),
)
_QUANTISING = (
    *("border_count", "max_bin", "feature_border_type", "nan_mode", "per_float_feature_quantization"),
    "sparse_features_conflict_fraction",
)
# Statistics of categories and texts are tables of one model; on GPUs nothing of this was ever run.
_UNMERGEABLE = (
    *("simple_ctr", "combinations_ctr", "per_feature_ctr", "ctr_description", "ctr_target_border_count"),
    *("max_ctr_complexity", "ctr_leaf_count_limit", "store_all_simple_ctr", "final_ctr_computation_mode"),
    *("counter_calc_method", "ctr_history_unit", "one_hot_max_size"),
    *("tokenizers", "dictionaries", "feature_calcers", "text_processing"),
    *("task_type", "devices", "gpu_ram_part", "gpu_cat_features_storage", "data_partition", "pinned_memory_size"),
)


def option_problems(options: Mapping[str, Any]) -> list[str]:
    """Every setting that CatBoost does not have, or that is chosen elsewhere."""
    from catboost import CatBoostClassifier

    parameters = set(inspect.signature(CatBoostClassifier.__init__).parameters) - {"self"}
    problems = []
    for name in options:
        if name in _ELSEWHERE:
            problems.append(f"engine_options: {name} is chosen by {_ELSEWHERE[name]}")
        elif name in _FIXED:
            problems.append(f"engine_options: {name} is not open to choice")
        elif name not in parameters:
            problems.append(f"engine_options: CatBoost has no {name}")
    return problems + _value_problems({name: value for name, value in options.items() if _is_open(name, parameters)})


def _is_open(name: str, parameters: set[str]) -> bool:
    return name in parameters and name not in _ELSEWHERE and name not in _FIXED


def _value_problems(options: Mapping[str, Any]) -> list[str]:
    """Every setting whose value CatBoost refuses. Where each is well alone, what it says of all together."""
    if (joint := _refusal(options)) is None:
        return []
    # Kinds, such as grow_policy, decide which other settings have a meaning: they stand beside each of them.
    kinds = {name: value for name, value in options.items() if isinstance(value, str) and not _refusal({name: value})}
    refused = {name: _refusal({**kinds, name: value}) for name, value in options.items()}
    single_problems = [
        f"engine_options: {name}={options[name]}: {message}" for name, message in refused.items() if message
    ]
    return single_problems or [f"engine_options: {joint}"]


def _refusal(options: Mapping[str, Any]) -> str | None:
    """CatBoost's objection to some settings, by the check that every training begins with. None: it has none."""
    from catboost import CatBoostError
    from catboost.core import _check_train_params, _process_synonyms

    settings = {"loss_function": "Logloss", **options}
    try:
        _process_synonyms(settings)
        _check_train_params(settings)
    except (CatBoostError, TypeError, ValueError) as error:
        message = str(error).strip().splitlines()[0]
        return re.sub(r"^\S+\.(cpp|h):\d+: ", "", message).strip()
    return None


def unmergeable(options: Mapping[str, Any], text: tuple[str, ...] = ()) -> list[str]:
    """What keeps the model in one task: each setting, and each text feature, that N models cannot share."""
    names = [f"engine_options {name}" for name in options if name in _UNMERGEABLE]
    if str(options.get("task_type", "CPU")).upper() == "CPU":
        names = [name for name in names if name != "engine_options task_type"]
    return names + [f"text feature {name}" for name in text]


def quantising(spec: TrainingSpec) -> dict[str, Any]:
    """The settings that say how numbers are cut, for ``Pool.quantize``: it must cut as the training would."""
    chosen = {name: spec.options[name] for name in _QUANTISING if name in spec.options}
    if str(spec.options.get("task_type", "CPU")).upper() == "GPU":
        chosen["task_type"] = "GPU"
    return {**chosen, "random_seed": spec.seed}


def classifier_settings(spec: TrainingSpec, *, names: tuple[str, ...], has_validation: bool) -> dict[str, Any]:
    """All arguments of CatBoostClassifier, except where it stores its progress.

    Args:
        names: the model's inputs, in order.
    """
    settings: dict[str, Any] = {
        "iterations": spec.iterations,
        "learning_rate": spec.learning_rate,
        "depth": spec.depth,
        "random_seed": spec.seed,
        "thread_count": spec.threads,
        "early_stopping_rounds": spec.early_stopping_rounds if has_validation else None,
        "one_hot_max_size": ONE_HOT_LEVELS if spec.shards > 1 else None,
        "class_weights": None if spec.class_weights == (1.0, 1.0) else list(spec.class_weights),
        "monotone_constraints": _monotone(spec, names),
        "verbose": PROGRESS_TREES,
    }
    return {name: setting for name, setting in {**settings, **spec.options}.items() if setting is not None}


def _monotone(spec: TrainingSpec, names: tuple[str, ...]) -> dict[str, int] | None:
    """Constraints of the numbers with a declared direction, and of their deciles. Other inputs have none."""
    return {name: way for name in names if (way := spec.direction(name))} or None
