"""Rows that nothing can be learnt from: told before an engine starts, in one list, whichever the engine is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row

from arrears.contracts.errors import BadInput
from arrears.contracts.tables.column_names import LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.io.at_once import at_once
from spark_jobs.transforms.features.value_spreads import LARGEST, to_commonest_word_pairs, to_value_spreads

FEWEST_PAIRS = 3  # of the same two words, in the rows that CatBoost learns from: else its dictionary of pairs is empty
_OWN_DICTIONARIES = ("tokenizers", "dictionaries", "feature_calcers", "text_processing")
_NAMED = 10


@dataclass(frozen=True)
class Unlearnable:
    """What keeps a training from learning, and features that it can do without.

    Attributes:
        problems: a sentence each. Empty: there is something to learn.
        single: features that hold one value in every row, or none in any.
    """

    problems: tuple[str, ...]
    single: tuple[str, ...]


def unlearnable(
    train: DataFrame, description: DatasetDescription, *, slices: Sequence[float] | None, options: Sequence[str] = ()
) -> Unlearnable:
    """Looks for what no engine can learn from in the training rows.

    Args:
        description: with the features that the model would see, and no others.
        slices: shares of the rows that are kept back. None: the label is not what is learnt.
        options: of the engine, ``name=value``.
    """
    names = (*description.numeric, *description.categorical)
    own = any(option.split("=")[0] in _OWN_DICTIONARIES for option in options)
    texts = [] if own else list(description.text)
    spreads, pairs, counts = at_once(
        train.sparkSession,
        lambda: _spreads(train, description) if names else [],
        lambda: to_commonest_word_pairs(train, texts).collect() if texts else [],
        lambda: train.groupBy(LABEL).count().collect() if slices is not None else [],
    )
    single = tuple(names[row["place"]] for row in spreads if row["is_single"])
    problems = [
        f"feature {names[row['place']]} holds numbers beyond {LARGEST:.2g} in {row['too_large']:,} rows, such as no"
        " engine computes with: where they mean unlimited, write a missing value or a limit"
        for row in spreads
        if row["too_large"]
    ]
    if names and len(single) == len(names) and not description.text:
        problems.append(f"{listed(single)} hold one value each, or none: there is nothing to learn from")
    times = {row["feature"]: row["times"] for row in pairs}
    kept_back = sum(slices or ())
    problems += [
        f"text feature {name} repeats no two words in enough rows: there is nothing to learn from; leave it out"
        for name in texts
        if times.get(name, 0) * (1 - kept_back) < FEWEST_PAIRS
    ]
    if slices is not None:
        problems += _class_problems({row[LABEL]: row["count"] for row in counts}, fewest=1 + len(slices))
    return Unlearnable(tuple(problems), single)


def refuse_unlearnable(train: DataFrame, description: DatasetDescription) -> None:
    """Stops the training of an objective beside default that could learn nothing.

    Raises:
        BadInput: names every feature that stands in the way.
    """
    found = unlearnable(train, description, slices=None)
    if found.problems:
        raise BadInput(*found.problems)


def listed(names: Sequence[str]) -> str:
    """Names for a sentence, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _spreads(train: DataFrame, description: DatasetDescription) -> list[Row]:
    spreads = to_value_spreads(train, numeric=description.numeric, categorical=description.categorical)
    return sorted(spreads.collect(), key=lambda row: row["place"])


def _class_problems(counts: Mapping[int, int], *, fewest: int) -> list[str]:
    return [
        f"the training set holds {counts.get(label, 0):,} {name}, and {fewest} are needed: one to learn from, one for"
        " each slice that is kept back"
        for label, name in ((1, "defaults"), (0, "non-defaults"))
        if counts.get(label, 0) < fewest
    ]
