"""Two models on the same rows: how much higher the AUC of one is, with DeLong's paired interval."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.model.delong import auc_difference as delong_difference
from arrears.model.findings import AucDifference
from spark_jobs.scored_rows import LABEL, SCORE, kept, only_row, score_bounds
from spark_jobs.transforms.score_counts import is_usable_score, to_score_counts, with_counts_below
from spark_jobs.transforms.score_ranks import placement_sums, placement_sums_of, to_misplacements

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
        rows: the candidate's: ``id``, ``default_probability``, ``is_default`` and the weight, checked.
        ranked: what ``score_counts.with_counts_below`` made of them.
        champion: ``id`` and ``score`` of the same rows.
        count: how many rows there are.
        weight: column of ``rows`` that says how much a row counts; None: once.

    Raises:
        BadInput: the champion was scored on other rows, ids repeat, or its scores are no probabilities.
    """
    weighted = F.lit(1.0) if weight is None else F.col(weight)
    own = rows.select(F.col(f"`{id}`").alias("id"), _plain(SCORE), LABEL, weighted.alias("weight"))
    other = champion.select(F.col(f"`{id}`").alias("id"), _plain(score).alias(CHAMPION_SCORE))
    with kept(own.join(other, on="id", how="left").drop("id")) as pairs:
        _check(pairs, count)
        bounds = score_bounds(pairs, count, score=CHAMPION_SCORE)
        counts = to_score_counts(pairs, score=CHAMPION_SCORE, weight="weight", bounds=bounds)
        sums = only_row(_to_difference_sums(pairs, ranked, with_counts_below(counts)))
    found = delong_difference(placement_sums_of(sums["defaulters"]), placement_sums_of(sums["others"]))
    return AucDifference(*found)


def _check(pairs: DataFrame, count: int) -> None:
    is_matched = F.col(CHAMPION_SCORE).isNotNull()
    found = only_row(
        pairs.select(
            F.count(F.lit(1)).alias("pairs"),
            F.count_if(~is_matched).alias("unmatched"),
            F.count_if(is_matched & ~is_usable_score(CHAMPION_SCORE)).alias("unusable"),
        )
    )
    problems = []
    if found["unmatched"] or found["pairs"] != count:
        problems.append(
            f"candidate and champion must be scored on the same rows, each with an id of its own: {count} rows gave "
            f"{found['pairs']} pairs, {found['unmatched']} of them without a score of the champion"
        )
    if found["unusable"]:
        problems.append(f"{found['unusable']} of {count} scores of the champion are not probabilities")
    if problems:
        raise BadInput(*problems)


def _to_difference_sums(pairs: DataFrame, ranked: DataFrame, champion_ranked: DataFrame) -> DataFrame:
    """DeLong's sums of (misplacement by the champion - by the candidate); grain: one row.

    Columns: ``defaulters`` and ``others``, see ``score_ranks.placement_sums``.
    """
    own, other = to_misplacements(ranked, "own"), to_misplacements(champion_ranked, "other")
    placed = pairs.join(own, on=pairs[SCORE] == own["own_score"], how="inner")
    compared = placed.join(other, on=placed[CHAMPION_SCORE] == other["other_score"], how="inner")
    defaulted, weight = F.col(LABEL), F.col("weight")
    of_class = {"defaulters": weight * defaulted, "others": weight * (1 - defaulted)}
    return compared.agg(
        *(
            placement_sums(
                weights, weight * weights, F.col(f"other_misplaced_{name}") - F.col(f"own_misplaced_{name}")
            ).alias(name)
            for name, weights in of_class.items()
        )
    )


def _plain(score: str) -> Column:
    """A score as ``score_counts`` groups it: -0.0 and 0.0 are one."""
    return (F.col(f"`{score}`").cast("double") + F.lit(0.0)).alias(score)
