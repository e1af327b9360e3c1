"""A made-up scorecard of three features, one of which it does not use."""

from __future__ import annotations

from arrears.scoring.scorers.linear import LinearModel
from arrears.scoring.scorers.scorecard_points import PointScale, Scorecard, points_rows
from arrears.scoring.woe import evidence_table

EVIDENCE = (
    evidence_table("income", [(30, 12), (50, 8)], edges=[0.5], missing=(5, 5)),
    evidence_table("state", [(60, 4), (20, 21)], levels=[("NY", "TX"), ("CA",)], missing=(5, 0)),
    evidence_table("noise", [(85, 25)]),
)
FORMULA = LinearModel((-0.9, -1.1, 0.0), -1.2, (0.0, 0.0, 0.0), (0.4, 0.6, 0.0))
SCALE = PointScale(600.0, 50.0, 20.0)
CARD = Scorecard(FORMULA, SCALE, points_rows(FORMULA, EVIDENCE, SCALE), ("age",))
