"""The limits that a report judges by stand once: pages and the glossary tell the figures of `rules_of_thumb`."""

from __future__ import annotations

import pytest

from arrears.model.metrics import rules_of_thumb
from arrears.model.metrics.rules_of_thumb import FOUR_FIFTHS, LITTLE_DRIFT, MUCH_DRIFT, REJECTED_P
from arrears.reports.exploration_page import render_exploration_page
from arrears.reports.model_page import PLOTS, render_model_page
from tests.conftest import REPOSITORY
from tests.unit.reports.made_up_report import a_full_page
from tests.unit.reports.test_exploration_page import an_exploration


def glossary_entry(term: str) -> str:
    (page,) = (path for path in (REPOSITORY / "docs").rglob("*.md") if path.name.lower() == "glossary.md")
    (entry,) = (part for part in page.read_text().split("\n\n") if part.startswith(f"**{term}**"))
    return " ".join(entry.split())


def test_the_glossary_tells_the_limits_that_reports_judge_by() -> None:
    assert f"below {LITTLE_DRIFT} little, from {MUCH_DRIFT} on a lot" in glossary_entry("PSI")
    assert f"a p-value below {REJECTED_P} says no" in glossary_entry("Hosmer-Lemeshow")
    assert f"at least {FOUR_FIFTHS} of the highest" in glossary_entry("Four-fifths rule")


def test_pages_tell_the_limits_that_reports_judge_by(monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"below {LITTLE_DRIFT} is little, from {MUCH_DRIFT} on a lot" in PLOTS["stability"]
    monkeypatch.setattr(rules_of_thumb, "LITTLE_DRIFT", 0.15)
    monkeypatch.setattr(rules_of_thumb, "MUCH_DRIFT", 0.37)
    monkeypatch.setattr(rules_of_thumb, "FOUR_FIFTHS", 0.83)
    assert "below 0.15 little has changed, from 0.37 on a lot" in render_exploration_page(an_exploration())
    report = render_model_page(a_full_page())
    assert "below 0.15 is stable" in report
    assert "below 0.83 (the four-fifths rule)" in report
