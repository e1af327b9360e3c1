"""Two models on the same rows: how much higher the AUC of one is, with DeLong's paired interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.contracts.tables.column_names import LABEL, SCORE
from arrears.model.metrics.delong import auc_difference as delong_difference
from arrears.model.metrics.findings import AucDifference
from spark_jobs.measuring.scored_rows import only_row, persisted, score_bounds
from spark_jobs.transforms.scores.score_counts import is_usable_score, to_score_counts, with_counts_below
from spark_jobs.transforms.scores.score_ranks import placement_sums, placement_sums_of, to_misplacements

CHAMPION_SCORE = "champion_score"


def auc_difference(
    rows: DataFrame,
    ranked: DataFrame,
    champion: DataFrame,
    *,
    id: str,
    count: int,
    score: str = SCORE,
    weight: str | None = None,
) -> AucDifference:
    """Compares a candidate with the champion on the same rows.

    Args:
        rows: the candidate's rows, checked: ``id``, ``default_probability``, ``is_default`` and the weight.
        ranked: what ``score_counts.with_counts_below`` made of them.
        champion: ``id`` and ``score`` of the same rows.
        count: how many rows there are.
        weight: column of ``rows`` that says how much a row counts. None: every row counts once.

    Raises:
        BadInput: the champion was scored on other rows, ids repeat, or its scores are no probabilities.
    """
    weighted = F.lit(1.0) if weight is None else F.col(weight)
    own = rows.select(F.col(f"`{id}`").alias("id"), _plain(SCORE), LABEL, weighted.alias("weight"))
    other = champion.select(F.col(f"`{id}`").alias("id"), _plain(score).alias(CHAMPION_SCORE))
    with persisted(own.join(other, on="id", how="left").drop("id")) as pairs:
        bounds = score_bounds(pairs, count, score=CHAMPION_SCORE)
        counts = to_score_counts(pairs, score=CHAMPION_SCORE, weight="weight", bounds=bounds)
        sums = only_row(_to_difference_sums(pairs, ranked, with_counts_below(counts)))
    _check(sums, count)
    return AucDifference(*delong_difference(placement_sums_of(sums["defaulters"]), placement_sums_of(sums["others"])))


def _check(sums: Mapping[str, Any], count: int) -> None:
    problems = []
    if sums["unmatched"] or sums["pairs"] != count:
        problems.append(
            f"candidate and champion must be scored on the same rows, each with an id of its own: {count} rows gave "
            f"{sums['pairs']} pairs, {sums['unmatched']} of them without a score of the champion"
        )
    if sums["unusable"]:
        problems.append(f"{sums['unusable']} of {count} scores of the champion are not probabilities")
    if problems:
        raise BadInput(*problems)


def _to_difference_sums(pairs: DataFrame, ranked: DataFrame, champion_ranked: DataFrame) -> DataFrame:
    """DeLong's sums of (misplacement by the champion - by the candidate), and what is wrong. Grain: one row.

    Columns: ``defaulters`` and ``others`` (see ``score_ranks.placement_sums``), ``pairs``, ``unmatched``, ``unusable``.
    """
    own, other = to_misplacements(ranked, "own"), to_misplacements(champion_ranked, "other")
    placed = pairs.join(own, on=pairs[SCORE] == own["own_score"], how="left")
    compared = placed.join(other, on=placed[CHAMPION_SCORE] == other["other_score"], how="left")
    defaulted, weight = F.col(LABEL), F.col("weight")
    of_class = {"defaulters": weight * defaulted, "others": weight * (1 - defaulted)}
    is_matched = F.col(CHAMPION_SCORE).isNotNull()
    return compared.agg(
        F.count(F.lit(1)).alias("pairs"),
        F.count_if(~is_matched).alias("unmatched"),
        F.count_if(is_matched & ~is_usable_score(CHAMPION_SCORE)).alias("unusable"),
        *(
            placement_sums(
                weights, weight * weights, F.col(f"other_misplaced_{name}") - F.col(f"own_misplaced_{name}")
            ).alias(name)
            for name, weights in of_class.items()
        ),
    )


def _plain(score: str) -> Column:
    """A score as ``score_counts`` groups it: -0.0 and 0.0 are one."""
    return (F.col(f"`{score}`").cast("double") + F.lit(0.0)).alias(score)
