"""How loans of the synthetic bank default, and how well the best possible model could tell which.

A loan's risk is a weighted sum of six standard normal factors, each of which a column of the bank shows; the season of
the decision; and noise of its own that nothing shows. It defaults when the risk exceeds a limit. Decisions of one month
are one normal population, so rates and the best AUC are sums and one-dimensional integrals over populations: no rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, pairwise
from math import cos, pi, sqrt
from statistics import NormalDist

from arrears.contracts.job_configs.bank_jobs import GenerateBankConfig

EXPLAINED = 0.4  # share of the risk's variance that the factors carry before the drift
OWN_DEVIATION = sqrt(1 - EXPLAINED)
DECISION_DAYS = 27  # decisions fall on the 1st to the 27th, so that a month's end is always after them
SEASON = 0.2  # how much a decision in November is riskier than on average, and one in May less
DRIFTED_DEBTS = 0.5  # standard deviations by which borrowers after the drift are more indebted
PERFORMANCE_MONTHS = 12  # after the decision, in which a default counts
MOST_DAYS_LATE = 90  # after the end of a month, until its row of history has arrived
SHORTEST_ARREARS_MONTHS = 3  # three missed payments make 90 days past due

_STATED = {"income": -0.40, "debts": 0.45, "loan": 0.25, "utilisation": 0.45, "arrears": 0.55, "job": -0.30}
_LENGTH = sqrt(sum(weight * weight for weight in _STATED.values()) / EXPLAINED)
WEIGHTS = {factor: weight / _LENGTH for factor, weight in _STATED.items()}
DRIFTED_WEIGHTS = WEIGHTS | {"utilisation": WEIGHTS["utilisation"] / 4}

_STANDARD = NormalDist()
_STEPS = 3000  # of the integral: the AUC is right to 5 digits


@dataclass(frozen=True)
class Population:
    """Decisions whose visible risk is one normal distribution.

    Attributes:
        month: the first day of the month of decision.
        share: of all decisions.
        mean, deviation: of the visible part of the risk, the season and the drift included.
    """

    month: date
    share: float
    mean: float
    deviation: float

    def default_rate(self, limit: float) -> float:
        """The share of these loans that default."""
        return _STANDARD.cdf((self.mean - limit) / sqrt(self.deviation**2 + OWN_DEVIATION**2))


def months_after(month: date, months: int) -> date:
    """The first day of the month so many months later."""
    years, rest = divmod(month.month - 1 + months, 12)
    return date(month.year + years, rest + 1, 1)


def season_of(month: int) -> float:
    """What a calendar month of decision, 1 to 12, adds to the risk."""
    return SEASON * cos(2 * pi * (month - 11) / 12)


def populations(config: GenerateBankConfig, *, decided_before: date | None = None) -> list[Population]:
    """The months of decision, each before and after the drift, only up to ``decided_before`` where it is given."""
    first = date.fromisoformat(config.first_month)
    drift = date.fromisoformat(config.drift_from) if config.drift_from else date.max
    end = decided_before or date.max
    monthly = []
    for month in (months_after(first, n) for n in range(config.decision_months)):
        days = [month.replace(day=day) for day in range(1, DECISION_DAYS + 1) if month.replace(day=day) < end]
        drifted = sum(day >= drift for day in days)
        for count, weights, shift in ((len(days) - drifted, WEIGHTS, 0.0), (drifted, DRIFTED_WEIGHTS, DRIFTED_DEBTS)):
            if count:
                share = count / DECISION_DAYS / config.decision_months
                mean = season_of(month.month) + shift * weights["debts"]
                monthly.append(Population(month, share, mean, sqrt(sum(w * w for w in weights.values()))))
    return monthly


def mature_populations(config: GenerateBankConfig) -> list[Population]:
    """The decisions whose outcome is known by the end of the business date, possibly none."""
    return populations(config, decided_before=newest_mature(config.as_of) + timedelta(days=1))


def newest_mature(as_of: str) -> date:
    """The last day whose decisions have a known outcome: window and late rows have passed by the end of the date."""
    over = date.fromisoformat(as_of) + timedelta(days=1 - MOST_DAYS_LATE)
    # No decision falls after the 27th, so every later day of a month is as good as the 28th.
    return over.replace(year=over.year - 1, day=min(over.day, DECISION_DAYS + 1))


def default_limit(config: GenerateBankConfig) -> float:
    """The risk above which a loan defaults, such that the configured share of all loans does."""
    cells = populations(config)
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if default_rate(cells, middle) > config.default_rate else (low, middle)
    return (low + high) / 2


def default_rate(cells: Sequence[Population], limit: float) -> float:
    """The share of the loans of these populations that default."""
    return sum(cell.share * cell.default_rate(limit) for cell in cells) / sum(cell.share for cell in cells)


def best_auc(cells: Sequence[Population], limit: float) -> float:
    """The AUC of a model that sees every factor: no model can be better, and one that sees noisy columns is worse.

    The probability of default given the factors is the normal distribution function of (visible risk - limit) over the
    own noise's deviation, so ranking by visible risk is ranking by probability. The AUC is the integral, over the
    visible risk, of the defaulters' density times the share of good loans below.
    """
    low = min(cell.mean - 8 * cell.deviation for cell in cells)
    step = (max(cell.mean + 8 * cell.deviation for cell in cells) - low) / _STEPS
    grid = [low + step * n for n in range(_STEPS + 1)]
    normals: dict[tuple[float, float], float] = {}
    for cell in cells:
        key = (cell.mean, cell.deviation)
        normals[key] = normals.get(key, 0.0) + cell.share
    density = [sum(share * NormalDist(*key).pdf(risk) for key, share in normals.items()) for risk in grid]
    defaulting = [_STANDARD.cdf((risk - limit) / OWN_DEVIATION) for risk in grid]
    bad = [d * p for d, p in zip(density, defaulting, strict=True)]
    good = [d * (1 - p) for d, p in zip(density, defaulting, strict=True)]
    good_below = [0.0, *accumulate((a + b) / 2 for a, b in pairwise(good))]
    return sum(b * g for b, g in zip(bad, good_below, strict=True)) / (sum(bad) * good_below[-1])
