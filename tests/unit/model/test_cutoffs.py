"""A cut-off survives the model's document, and profit is what a lender's own sum says."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from arrears.model.metrics.cutoffs import APPROVE_ALL, Cutoff
from arrears.model.metrics.profit import LoanTerms, ProfitCurve, ProfitPoint
from arrears.scoring.document import ModelDocument


def test_profit_is_margin_on_good_loans_less_losses_on_bad_ones_less_cost() -> None:
    # Three loans approved: 1,000 and 500 are repaid, 200 defaults.
    terms = LoanTerms(margin=0.1, lgd=0.5, cost=7.0)
    assert terms.profit(1500.0, 200.0, 3) == pytest.approx(150 - 100 - 21)


def test_terms_are_none_where_a_cutoff_does_not_tell_all_of_them() -> None:
    assert LoanTerms.from_inputs({"margin": 0.1, "lgd": 0.5}) is None
    assert LoanTerms.from_inputs({"margin": 0.1, "lgd": 0.5, "cost": 0.0, "approval_rate": 0.8}) == LoanTerms(
        0.1, 0.5, 0
    )


@pytest.mark.parametrize("value", [0.0, 0.1 + 0.2, 1.0, APPROVE_ALL])
def test_cutoff_survives_the_models_document_to_the_last_bit(value: float) -> None:
    cutoff = Cutoff(value, "profit", {"margin": 0.1}, {"profit": 0.3}, exposure="loan_amount")
    document = ModelDocument("loans", "v1", "by hand", ("income",), (), cutoff=cutoff)
    read = ModelDocument.from_json(document.to_json()).cutoff
    assert read == cutoff


def test_cutoff_of_before_exposures_is_read() -> None:
    earlier = asdict(Cutoff(0.5, "fixed"))
    del earlier["exposure"]
    assert Cutoff.from_dict(earlier) == Cutoff(0.5, "fixed")


def test_no_probability_reaches_the_cutoff_that_approves_all() -> None:
    assert APPROVE_ALL > 1.0
    assert min(APPROVE_ALL, 1.0) == 1.0


def test_curve_is_plain_json() -> None:
    point = ProfitPoint(0.2, 0.6, 0.01, 0.033)
    curve = ProfitCurve(LoanTerms(0.06, 0.45, 0.002), (point,), point, point)
    read = json.loads(json.dumps(curve.to_dict()))
    assert read["best"] == read["chosen"] == read["points"][0]
    assert read["terms"] == {"margin": 0.06, "lgd": 0.45, "cost": 0.002}
    assert read["exposure"] is None
