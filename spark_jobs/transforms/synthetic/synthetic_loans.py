"""Synthetic loans shaped like Kaggle's Loan Default Prediction file. Grain: one row per given id.

Columns: ``id``, ``f1`` … ``fN``, and the severity ``loss``, 0 to 100 per cent, above 0 for a default. Every value is a
function of ``xxhash64(seed, purpose, id[, column])``, so the table is the same on any number of partitions.

Of each 20 features, which share one hidden factor, 16 are continuous, 3 discrete and 1 categorical. Two in five have
missing values. In half of those a value is missing more often for borrowers whose risk the other columns do not show.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.transforms.synthetic.hashed_numbers import hash_limit, hashed_number, normal, rough_normal, uniform

BLOCK = 20  # features that share a factor; Kaggle's correlated groups are of about this size
EXPLAINED = 0.4  # share of the risk's variance that the factors carry: an ideal model reaches an AUC near 0.8
FACTOR_DECAY = 0.7  # the first blocks matter most, and a long tail of blocks hardly at all
# An informative column's missing share is 1.6 times the average for one half of borrowers, 0.4 times for the other.
FRAGILE_EXCESS = 0.6
_LOADINGS = (0.8, 0.65, 0.5, 0.35)
_DISCRETE, _CATEGORICAL = (2, 8, 14), (4,)


def description(name: str, features: int) -> DatasetDescription:
    """What the synthetic columns mean."""
    numbers = range(1, features + 1)
    return DatasetDescription(
        name=name,
        target="loss",
        bad_when="> 0",
        id="id",
        numeric=tuple(f"f{j}" for j in numbers if not _is_categorical(j)),
        categorical=tuple(f"f{j}" for j in numbers if _is_categorical(j)),
        kept=("loss",),
    )


def to_loans(ids: DataFrame, *, features: int, default_rate: float, missing_share: float, seed: int) -> DataFrame:
    """Makes one loan of each ``id``.

    Args:
        default_rate: probability that a loan defaults. Risk is a standard normal by construction, so the limit above
            which it means default is the normal quantile: nothing is fitted to the rows.
        missing_share: share of missing values in the columns that have any.
    """
    blocks = range((features + BLOCK - 1) // BLOCK)
    factors = {f"_factor_{b}": F.expr(normal(f"_factor_hash_{b}")) for b in blocks}
    hashes = {f"_factor_hash_{b}": F.expr(hashed_number(seed, "factor", "id", b)) for b in blocks}
    purposes = {f"_{p}": F.expr(hashed_number(seed, p, "id")) for p in ("own_hash", "noise", "missing", "severity")}
    hashed = ids.select("id", *(column.alias(name) for name, column in {**hashes, **purposes}.items()))
    own = F.expr(normal("_own_hash")).alias("_own")
    hidden = hashed.select("id", own, "_noise", "_missing", "_severity", *(c.alias(n) for n, c in factors.items()))
    weights = [FACTOR_DECAY**b for b in blocks]
    length = sqrt(sum(weight * weight for weight in weights))
    common = " + ".join(f"{weight / length!r}D * _factor_{b}" for b, weight in zip(blocks, weights, strict=True))
    scored = hidden.withColumns({"_common": F.expr(common), "_limit": F.expr(_missing_limit(missing_share))})
    values = [F.expr(f"{_value(j, missing_share)} AS f{j}") for j in range(1, features + 1)]
    return scored.select("id", *values, F.expr(f"{_loss(default_rate)} AS loss"))


def _value(j: int, missing_share: float) -> str:
    loading = _LOADINGS[j % len(_LOADINGS)]
    noise = rough_normal(f"xxhash64(_noise, {j})")
    level = f"{loading}D * _factor_{(j - 1) // BLOCK} + {sqrt(1 - loading * loading)!r}D * ({noise})"
    if _is_categorical(j):
        value = f"concat('level_', CAST(floor(least(5D, greatest(0D, 3D + 1.5D * ({level})))) AS STRING))"
    elif (j - 1) % BLOCK in _DISCRETE:
        value = f"CAST(greatest(0D, 2.5D + 1.5D * ({level})) AS INT)"
    elif j % 3 == 0:
        value = f"floor(100000D * exp(0.5D * ({level}))) / 100D"  # skewed, like an income
    else:
        value = f"floor(100D * (50D + 15D * ({level}))) / 100D"
    if j % 5 in (0, 3) and missing_share > 0:
        limit = "_limit" if j % 5 == 3 else f"CAST('{hash_limit(missing_share)}' AS BIGINT)"
        return f"IF(xxhash64(_missing, {j}) < {limit}, NULL, {value})"
    return value


def _missing_limit(share: float) -> str:
    excess = min(FRAGILE_EXCESS, 1 / share - 1) if share > 0 else 0.0
    often, seldom = (hash_limit(share * (1 + sign * excess)) for sign in (1, -1))
    return f"IF(_own > 0, CAST('{often}' AS BIGINT), CAST('{seldom}' AS BIGINT))"


def _loss(default_rate: float) -> str:
    limit = NormalDist().inv_cdf(1 - default_rate)
    risk = f"{sqrt(EXPLAINED)!r}D * _common + {sqrt(1 - EXPLAINED)!r}D * _own"
    severity = f"CAST(least(100D, 1D + floor(-8D * exp(0.3D * _common) * ln({uniform('_severity')}))) AS INT)"
    return f"IF({risk} > {limit!r}D, {severity}, 0)"


def _is_categorical(j: int) -> bool:
    return (j - 1) % BLOCK in _CATEGORICAL
