"""What lending below a cut-off earns: the profit of a policy, measured on borrowers whose outcome is known.

Everyone who scores below the cut-off is approved. A loan that is repaid earns margin x exposure, a loan that defaults
loses loss given default x exposure, and each approved application costs its fixed cost. A declined one counts 0:

    profit(c) = sum over scores < c of [ (1 - y) x margin x EAD  -  y x LGD x EAD  -  cost ]

This is the cost-benefit view of consumer credit scoring of Verbraken, Bravo, Weber and Baesens 2014 ("Development and
application of consumer credit scoring models using profit-based classification measures", EJOR 238, section 3), with
each loan's own exposure and the observed outcome y in place of an average exposure and a distribution of losses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class LoanTerms:
    """What a loan earns and costs.

    Attributes:
        margin: earned on a loan that is repaid, as a share of its exposure.
        lgd: lost on a loan that defaults, as a share of its exposure.
        cost: of one approved application, in the exposure's unit.
    """

    margin: float
    lgd: float
    cost: float

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, float]) -> LoanTerms | None:
        """The loan terms that a cut-off was chosen by. None: it was chosen without."""
        if not {"margin", "lgd", "cost"} <= inputs.keys():
            return None
        return cls(inputs["margin"], inputs["lgd"], inputs["cost"])

    def profit(self, good_exposure: Any, bad_exposure: Any, approved: Any) -> Any:
        """The profit of approved loans, of numbers or of Spark's columns: there is one formula.

        Args:
            good_exposure, bad_exposure: sums over the approved loans that are repaid, and that default.
            approved: how many are approved.
        """
        return good_exposure * self.margin - bad_exposure * self.lgd - approved * self.cost


class ProfitPoint(NamedTuple):
    """What happens if everyone who scores below ``cutoff`` is approved.

    Attributes:
        approval_rate: share of all applications that is approved.
        bad_rate: share of the approved that defaults. 0 where nobody is approved.
        profit: per applicant, in the exposure's unit. Declined ones count with 0.
    """

    cutoff: float
    approval_rate: float
    bad_rate: float
    profit: float


@dataclass(frozen=True)
class ProfitCurve:
    """Profit, approval rate and bad rate against the cut-off.

    Attributes:
        points: in rising order of cut-off. At most 2,000, among them the best.
        chosen: at the model's cut-off.
        best: at the cut-off of the highest profit. Of equal ones the lowest.
        exposure: the column of the exposure at default (EAD). None: every loan counts 1.
    """

    terms: LoanTerms
    points: tuple[ProfitPoint, ...]
    chosen: ProfitPoint
    best: ProfitPoint
    exposure: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        named = {"chosen": self.chosen, "best": self.best}
        return {
            "terms": vars(self.terms),
            "exposure": self.exposure,
            **{name: point._asdict() for name, point in named.items()},
            "points": [point._asdict() for point in self.points],
        }
