"""Learns a preparation from the training rows: the Spark actions behind its limits, fills, deciles, levels and tables.

Each step is learnt on rows as the steps before it leave them. Nothing here ever sees the validation slice or a held-out
row, and only totals, quantiles and levels reach the driver: its memory does not grow with the rows.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, Row

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.preparation_choices import PreparationChoices
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.scoring.columns import MISSING_LEVEL
from arrears.scoring.preparation import Deciles, Interaction, LevelNumbers, OutlierLimits, Preparation
from spark_jobs.engines.interface import Engine
from spark_jobs.training.evidence import LevelCounts, learnt_evidence, level_counts
from spark_jobs.transforms.features.feature_statistics import (
    RAREST_SHARE,
    to_number_statistics,
    to_quantiles,
    to_sample,
    without_outliers,
)
from spark_jobs.transforms.training.prepared_rows import to_prepared_numbers

log = logging.getLogger(__name__)

CONSTANT_NUMBER = 0.0
_TENTHS = tuple(tenth / 10 for tenth in range(1, 10))
_DIGITS_OF_DEVIATION = 6  # sums of floats differ in their last digits with the order of partitions: these never do


def interactions(choices: PreparationChoices, description: DatasetDescription) -> tuple[Interaction, ...]:
    """The interactions that are asked for.

    Raises:
        BadConfiguration: names every interaction and decile that is not of numeric features, or is asked for twice.
    """
    requested = (*choices.deciles, *choices.interactions)
    problems = [f"{text} is asked for twice" for text in sorted(set(requested)) if requested.count(text) > 1]
    numeric_names = set(description.numeric)
    problems += [f"deciles: {name} is no numeric feature" for name in choices.deciles if name not in numeric_names]
    parsed = []
    for text in choices.interactions:
        sign = "*" if "*" in text else "/"
        left, _, right = (part.strip() for part in text.partition(sign))
        if left in numeric_names and right in numeric_names:
            parsed.append(Interaction(left, right, "product" if sign == "*" else "ratio"))
        else:
            problems.append(f"interactions: {text} is not a*b or a/b of numeric features")
    if problems:
        raise BadConfiguration(*problems)
    return tuple(parsed)


def suited_to(engine: Engine, choices: PreparationChoices, description: DatasetDescription) -> PreparationChoices:
    """The choices with ``native`` resolved: what an engine cannot take as it comes is turned into what it can.

    Categories become a column a level, missing values are filled (median, most frequent level) and flagged, for that a
    value is missing may tell more than the value. Weights of evidence hold all of it already. What the analyst chose
    stays.

    Raises:
        BadConfiguration: the engine reads weights of evidence alone, and another encoding was chosen.
    """
    if engine.needs_evidence and choices.encoding not in ("native", "woe"):
        raise BadConfiguration(f"{engine.name} reads weights of evidence: leave out --encoding {choices.encoding}")
    encoding, missing = choices.encoding, choices.missing
    if engine.needs_evidence:
        encoding = "woe"
    elif encoding == "native" and description.categorical and not engine.takes_categories:
        encoding = "one_hot"
    if missing == "native" and encoding != "woe" and not engine.takes_missing:
        missing = "fill"
    flags = choices.missing_flags
    if flags == "native":
        flags = "none" if encoding == "woe" or engine.takes_missing else "add"
    made_out = {"encoding": encoding, "missing": missing, "missing_flags": flags}
    replacements = ", ".join(f"{name}={value}" for name, value in made_out.items() if value != getattr(choices, name))
    if (encoding, missing) != (choices.encoding, choices.missing):
        log.info("%s: native means %s", engine.name, replacements)
    return dataclasses.replace(choices, encoding=encoding, missing=missing, missing_flags=flags)


def learnt_preparation(rows: DataFrame, choices: PreparationChoices, description: DatasetDescription) -> Preparation:
    """Learns what is asked for from training rows. Without any choice it is the empty preparation, at no cost.

    Args:
        rows: one row per training borrower: features, label and ``row_order``, without the validation slice.

    Raises:
        BadConfiguration: a choice does not fit the features, or dropping outliers would leave no row.
    """
    numeric, categorical = description.numeric, description.categorical
    combined = interactions(choices, description)
    if not _is_asked_for(choices):
        return Preparation()
    features = {row["feature"]: row for row in to_number_statistics(rows, numeric, categorical).collect()}
    row_count = max(row["row_count"] for row in features.values())
    limits = _outlier_limits(features, numeric, choices)
    if choices.outliers == "drop":
        rows = without_outliers(rows, limits)
        row_count = _checked_count(rows)
    levels = level_counts(rows, categorical, row_count=row_count) if _needs_levels(choices) else {}
    preparation = Preparation(
        missing_flags=tuple(
            n for n in (*numeric, *categorical) if choices.missing_flags == "add" and features[n]["missing"]
        ),
        outliers=limits,
        number_fills=_number_fills(rows, numeric, choices),
        level_fills={name: counts.commonest for name, counts in levels.items()} if choices.missing == "fill" else {},
        interactions=combined,
    )
    preparation = replace(preparation, deciles=_deciles(rows, preparation, choices.deciles, numeric, categorical))
    filled = {name: counts.filled(preparation.level_fills.get(name)) for name, counts in levels.items()}
    if choices.encoding in ("one_hot", "index"):
        one_hot = choices.encoding == "one_hot"
        numbers = tuple(_level_numbers(name, counts, row_count, one_hot=one_hot) for name, counts in filled.items())
        preparation = replace(preparation, levels=numbers)
    if choices.encoding == "woe":
        tables = learnt_evidence(rows, preparation, numeric=numeric, categorical=categorical, levels=filled)
        preparation = replace(preparation, evidence=tables)
    outputs = preparation.outputs(numeric, categorical)
    log.info(
        "preparation learnt from %d rows: the model sees %d numbers and %d categories", row_count, *map(len, outputs)
    )
    return preparation


def one_hot_columns(rows: DataFrame, description: DatasetDescription, *, row_count: int) -> int:
    """How many columns of 0 and 1 the categories of some rows become, where missing values are not filled."""
    levels = level_counts(rows, description.categorical, row_count=row_count)
    return sum(len(_level_numbers(name, counts, row_count, one_hot=True).outputs) for name, counts in levels.items())


def _is_asked_for(choices: PreparationChoices) -> bool:
    defaults = {field.name: field.default for field in dataclasses.fields(choices)}
    steps = ("missing", "outliers", "encoding", "deciles", "interactions")
    return choices.missing_flags == "add" or any(getattr(choices, name) != defaults[name] for name in steps)


def _needs_levels(choices: PreparationChoices) -> bool:
    return choices.missing == "fill" or choices.encoding != "native"


def _checked_count(rows: DataFrame) -> int:
    count = rows.count()
    if not count:
        raise BadConfiguration("outliers=drop leaves no training row: raise --outlier-deviations, or clip or flag")
    return count


def _outlier_limits(
    features: Mapping[str, Row], numeric: Sequence[str], choices: PreparationChoices
) -> tuple[OutlierLimits, ...]:
    """Limits of every column that varies. A constant one has no outliers."""
    if choices.outliers == "keep":
        return ()
    limits = []
    for name in numeric:
        mean, deviation = features[name]["mean"], features[name]["deviation"]
        if deviation and math.isfinite(deviation):
            digits = _DIGITS_OF_DEVIATION - 1 - math.floor(math.log10(deviation))
            reach = choices.outlier_deviations * deviation
            low, high = (round(mean + side * reach, digits) for side in (-1, 1))
            limits.append(OutlierLimits(name, low, high, choices.outliers))
    return tuple(limits)


def _number_fills(rows: DataFrame, numeric: Sequence[str], choices: PreparationChoices) -> dict[str, float]:
    """What every number becomes where it is missing, for what was never missing in training may be later.

    Clipping comes first but cannot move a median: that lies within one standard deviation of the mean.
    """
    if choices.missing == "native" or not numeric:
        return {}
    medians: Mapping[str, Any] = {}
    if choices.missing == "fill":
        (row,) = to_quantiles(to_sample(rows, numeric), dict.fromkeys(numeric, (0.5,))).collect()
        medians = {name: quantiles[0] for name, quantiles in row.asDict().items() if quantiles}
    return {name: medians.get(name, CONSTANT_NUMBER) for name in numeric}


def _deciles(
    rows: DataFrame,
    preparation: Preparation,
    columns: Sequence[str],
    numeric: Sequence[str],
    categorical: Sequence[str],
) -> tuple[Deciles, ...]:
    if not columns:
        return ()
    sample = to_sample(rows, (*numeric, *categorical))
    prepared = to_prepared_numbers(sample, preparation, numeric=numeric, categorical=categorical, features=columns)
    (edges,) = to_quantiles(prepared, dict.fromkeys(columns, _TENTHS)).collect()
    return tuple(Deciles(name, tuple(sorted(set(edges[name] or ())))) for name in columns)


def _level_numbers(column: str, levels: LevelCounts, row_count: int, *, one_hot: bool) -> LevelNumbers:
    """The listed levels, the commonest first. Missing values are a level where there are enough of them."""
    counts = {level: sum(pair) for level, pair in levels.listed.items()}
    if sum(levels.missing) >= max(1, RAREST_SHARE * row_count):
        counts[MISSING_LEVEL] = counts.get(MISSING_LEVEL, 0) + sum(levels.missing)
    return LevelNumbers(column, tuple(sorted(counts, key=lambda level: (-counts[level], level))), one_hot)
