"""The cut-off follows the numbers that are given; without any there is none; what is missing is one error at once."""

from __future__ import annotations

from typing import Any

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.job_configs.model_choices import cutoff_rule
from arrears.model.metrics.cutoffs import APPROVE_ALL, FEW_APPROVED, NO_CUTOFF, Cutoff, approval_mark, cutoff_text


def a_config(**choices: Any) -> TrainModelConfig:
    return TrainModelConfig(**{"root": "file:///nowhere", "dataset": "loans", "dataset_version": "v1", **choices})


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({}, None),
        ({"margin": 0.08, "lgd": 0.6}, "profit"),
        ({"margin": 0.0, "lgd": 0.0, "exposure": "amount", "cost": 3.0}, "profit"),
        ({"approval_rate": 0.7}, "approval_rate"),
        ({"cutoff": 0.2}, "fixed"),
        ({"cutoff_by": "ks"}, "ks"),
        ({"cutoff_by": "approval_rate", "approval_rate": 0.7, "margin": 0.08, "lgd": 0.6}, "approval_rate"),
    ],
)
def test_rule_follows_what_is_given_and_is_none_where_nothing_is(given: dict[str, Any], rule: str | None) -> None:
    assert cutoff_rule(a_config(**given)) == rule


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({"margin": 0.05}, ["a cut-off by profit needs margin and lgd: give lgd"]),
        ({"cutoff_by": "profit"}, ["a cut-off by profit needs margin and lgd: give margin and lgd"]),
        (
            {"cutoff_by": "profit", "exposure": "amount"},
            ["a cut-off by profit needs margin and lgd: give margin and lgd"],
        ),
        ({"cutoff_by": "approval_rate"}, ["a cut-off by approval_rate needs approval_rate: give approval_rate"]),
        ({"cutoff_by": "fixed"}, ["a cut-off by fixed needs cutoff: give cutoff"]),
        ({"exposure": "amount", "cost": 2.0}, ["exposure and cost without margin and lgd say nothing"]),
        (
            {"margin": 0.1, "lgd": 0.4, "approval_rate": 0.8},
            ["numbers of several rules are given, choose profit or approval_rate"],
        ),
        (
            {"cutoff_by": "f1", "cutoff": 0.3, "lgd": 0.4},
            [
                "a cut-off by profit needs margin and lgd: give margin",
                "cutoff is given, but the cut-off is chosen by f1",
            ],
        ),
    ],
)
def test_missing_and_idle_numbers_are_named_in_one_error(given: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(BadConfiguration) as error:
        a_config(**given)
    assert len(error.value.problems) == len(problems)
    assert all(problem in str(error.value) for problem in problems)


def test_low_approval_rate_is_marked_and_none_is_said_in_words() -> None:
    assert cutoff_text(None) == NO_CUTOFF
    assert cutoff_text(Cutoff(0.25, "f1")) == "0.25, by f1"
    few = Cutoff(0.0612, "profit", {}, {"approval_rate": 0.045, "bad_rate": 0.0})
    assert cutoff_text(few).startswith("0.0612, by profit: approves 4.5% (fewer than 50% are approved")
    enough = Cutoff(APPROVE_ALL, "approval_rate", {}, {"approval_rate": FEW_APPROVED, "bad_rate": 0.0})
    assert cutoff_text(enough) == "none declined, by approval rate: approves 50.0%"
    assert approval_mark(FEW_APPROVED) == ""
