"""Synthetic customers whose segments, losses and tastes are known. Grain: one row per given id.

Every value is a function of ``xxhash64(seed, purpose, id)``, so the table is the same on any number of partitions.
Each customer belongs to one of four hidden segments, which five of the features show. The segment decides how likely a
default is and which three of nine products the customer likes. What is lost on a default follows ``expected_loss``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.transforms.synthetic.hashed_numbers import happens, hashed_number, rough_normal, uniform

SHARES = (0.4, 0.3, 0.2, 0.1)  # of the segments: students, families, savers, strained
# What a segment multiplies the default rate by; weighted by the shares these are 1.
RISKS = (0.5, 0.8, 1.5, 2.6)
# Feature → middle, width of one unit, and where each segment lies, in units: neighbours are four deviations apart.
SHOWN: Mapping[str, tuple[float, float, tuple[float, ...]]] = {
    "income_amount": (3000.0, 700.0, (-1.0, 0.5, 1.0, -1.5)),
    "age_years": (45.0, 9.0, (-1.5, 0.0, 1.5, 0.5)),
    "balance_amount": (9000.0, 3000.0, (-1.0, -0.5, 2.0, -1.5)),
    "card_spend_amount": (900.0, 300.0, (0.0, 1.5, -0.5, -1.5)),
    "digital_share": (0.5, 0.2, (1.5, 0.0, -1.0, -1.5)),
}
SPREAD = 0.4  # units that a customer strays from the middle of the segment
PRODUCTS = ("savings", "credit_card", "mortgage", "car_loan", "insurance", "fund", "overdraft", "travel", "brokerage")
# Who likes what: students, families, savers, strained.
FAVOURITES: Sequence[tuple[str, ...]] = (
    ("credit_card", "travel", "overdraft"),
    ("mortgage", "car_loan", "insurance"),
    ("savings", "fund", "brokerage"),
    ("overdraft", "car_loan", "credit_card"),
)
LIKED, OTHERS = 0.75, 0.06  # how likely a customer holds a favourite, and any other product
LOSS_NOISE = 0.08


def expected_loss(collateral_ratio: str = "collateral_ratio", debt_ratio: str = "debt_ratio") -> str:
    """What a default is expected to lose, as a share of the exposure: the truth that a loss model should find."""
    return f"(0.5D - 0.35D * {collateral_ratio} + 0.8D * ({debt_ratio} - 0.4D))"


def to_customers(ids: DataFrame, *, default_rate: float, missing_share: float, seed: int) -> DataFrame:
    """Makes one customer of each ``id``: features, ``is_bad``, ``loss_share``, and a 0/1 column for each product.

    Args:
        default_rate: mean probability of a default over all customers.
        missing_share: share of missing values in ``tenure_years`` and ``region``.
    """
    truth = to_truth(ids, default_rate=default_rate, seed=seed)
    feature_columns = [F.expr(f"{_feature_sql(name, seed)} AS {name}") for name in SHOWN]
    lost = f"{expected_loss()} + {LOSS_NOISE}D * {rough_normal(_hash(seed, 'loss'))}"
    return truth.select(
        "id",
        *feature_columns,
        F.expr(f"{_unless_missing(_years(seed), 'tenure', missing_share, seed)} AS tenure_years"),
        "collateral_ratio",
        "debt_ratio",
        F.expr(f"{_unless_missing(_region(seed), 'region', missing_share, seed)} AS region"),
        F.expr("CAST(is_bad AS INT) AS is_bad"),
        F.expr(f"IF(is_bad, greatest(0D, least(1D, {lost})), 0D) AS loss_share"),
        *(F.expr(f"{_holds(product, seed)} AS holds_{product}") for product in PRODUCTS),
    )


def to_truth(ids: DataFrame, *, default_rate: float, seed: int) -> DataFrame:
    """The hidden truth of each ``id``, for proofs: its ``segment`` (0 to 3) and what is expected.

    Columns: ``id``, ``segment``, ``collateral_ratio``, ``debt_ratio``, ``default_probability``, ``is_bad``,
    ``expected_loss``.
    """
    risks = ", ".join(f"{risk}D" for risk in RISKS)
    # The mean of exp(0.6 z - 0.18) is 1, so that the default rate is as asked for.
    risk = f"{default_rate!r}D * element_at(array({risks}), segment + 1) * exp(6D * (debt_ratio - 0.4D) - 0.18D)"
    return (
        ids.select("id", F.expr(f"{_segment(seed)} AS segment"))
        .withColumn("collateral_ratio", F.expr(uniform(_hash(seed, "collateral"))))
        .withColumn("debt_ratio", F.expr(f"0.4D + 0.1D * {rough_normal(_hash(seed, 'debts'))}"))
        .withColumn("default_probability", F.expr(f"least(0.95D, {risk})"))
        .withColumn("is_bad", F.expr(f"{uniform(_hash(seed, 'default'))} < default_probability"))
        .withColumn("expected_loss", F.expr(expected_loss()))
    )


def _segment(seed: int) -> str:
    luck = uniform(_hash(seed, "segment"))
    limits = [sum(SHARES[:n]) for n in range(1, len(SHARES))]
    return " + ".join(f"CAST({luck} >= {limit!r}D AS INT)" for limit in limits)


def _feature_sql(name: str, seed: int) -> str:
    middle, width, places = SHOWN[name]
    place = f"element_at(array({', '.join(f'{p}D' for p in places)}), segment + 1)"
    value = f"{middle}D + {width}D * ({place} + {SPREAD}D * {rough_normal(_hash(seed, name))})"
    return f"floor(100D * ({value}) + 0.5D) / 100D" if width >= 1 else f"least(1D, greatest(0D, {value}))"


def _holds(product: str, seed: int) -> str:
    likes = " OR ".join(f"segment = {n}" for n, liked in enumerate(FAVOURITES) if product in liked)
    luck = _hash(seed, f"holds {product}")
    return f"CAST(IF({likes}, {happens(luck, LIKED)}, {happens(luck, OTHERS)}) AS INT)"


def _years(seed: int) -> str:
    return f"floor(250D * {uniform(_hash(seed, 'tenure'))}) / 10D"


def _region(seed: int) -> str:
    return f"element_at(array('north', 'east', 'south', 'west'), 1 + CAST(pmod({_hash(seed, 'region')}, 4) AS INT))"


def _unless_missing(value: str, what: str, share: float, seed: int) -> str:
    return f"IF({happens(_hash(seed, f'missing {what}'), share)}, NULL, {value})"


def _hash(seed: int, purpose: str) -> str:
    return hashed_number(seed, purpose, "id")
