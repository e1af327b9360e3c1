"""What the demo shows at its end belongs together: the champion, and the report on that very champion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arrears.contracts.addresses import Addresses
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.objects import Objects
from local.demo.demo_checks import Evidence
from local.demo.mails import Mail
from local.demo.runs import Finished
from local.demo.summary import report_page, summary
from tests.unit.include.made_up_run import a_fact

FIGURES = {"auc": 0.75, "auc_low": 0.7, "auc_high": 0.8, "gini": 0.5, "ks": 0.4}
TRAINING = Finished("training", "r1", Mail("1", "[Arrears] training loans 2026-01-31: new champion"), ran_now=False)


class Registry:
    """A registry whose champion is version 5, of a training that came after the demo's."""

    def champion(self, name: str) -> str:
        return "5"

    def run_of_version(self, name: str, version: str) -> str:
        return f"run-of-{version}"

    def run_facts(self, run_id: str) -> tuple[dict[str, float], dict[str, str], dict[str, str]]:
        return FIGURES, {}, {}


class Written(Evidence):
    """Evidence whose tables need not be there."""

    def manifest(self, table: Any) -> dict[str, Any]:
        return {"rows": 10}

    def partition(self, table: Any) -> str:
        return "v1"


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    addresses, objects = Addresses((tmp_path / "s3").as_uri()), Objects()
    for version in ("1", "5"):
        address = f"{addresses.model_folder('loans', f'run-of-{version}')}/report.html"
        objects.put(address, f"report on {version}".encode())
    decided = a_fact(result=JobResult(values={"decision": "promoted", "model_version": "1"}))
    objects.put(addresses.outcome("training", "r1", "promote_model", 1), decided.to_json().encode())
    return Written(addresses, "loans", "2026-01-31", objects, Registry())  # type: ignore[arg-type]


def test_report_is_that_of_the_champion_whoever_trained_it(evidence: Evidence, tmp_path: Path) -> None:
    report = report_page(evidence, tmp_path / "demo")
    assert report is not None
    assert report.path.read_text() == "report on 5"


def test_champion_of_a_later_training_is_told_as_such(evidence: Evidence) -> None:
    told = summary(evidence, [TRAINING])
    assert "version 5 (not of the demo's training, whose version 1 was promoted)" in told


def test_champion_without_report_has_no_page(evidence: Evidence, tmp_path: Path) -> None:
    evidence.objects.delete(f"{evidence.addresses.model_folder('loans', 'run-of-5')}/report.html")
    assert report_page(evidence, tmp_path / "demo") is None
