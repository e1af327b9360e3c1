"""What is kept of an evaluation: a page, its pictures, and the same numbers for machines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from arrears.contracts.job_configs.jobs import EvaluateModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.metrics.cutoffs import NO_CUTOFF, Cutoff
from arrears.model.metrics.findings import CalibrationCheck, Comparison
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers.scorecard_points import PointScale, PointsRow
from arrears.stores.objects import media_type
from spark_jobs.measuring import model_report
from spark_jobs.measuring.measured_model import Measured
from spark_jobs.measuring.model_report import mail_figures, provenance_of, report_files
from spark_jobs.measuring.trained import TrainedRun
from tests.unit.reports.made_up_report import (
    a_curve,
    an_evaluation,
    an_explanation,
    bare_findings,
    full_findings,
    without_cutoff,
)

DESCRIPTION = DatasetDescription(name="loans", target="bad", numeric=("income",), floors={"auc_low": 0.6})
DOCUMENT = ModelDocument(
    "loans", "v1", "by hand", ("income",), (), cutoff=Cutoff(0.5, "profit", exposure="loan_amount")
)
CONFIG = EvaluateModelConfig(
    root="s3://bank",
    dataset="loans",
    dataset_version="v1",
    mlflow_run_id="abc",
    champion_version="3",
    report_folder="s3://bank/report",
)


TRAINED = TrainedRun(
    metrics={"train_rows": 5520.0, "trees": 412.0, "train_auc": 0.8125, "learning_rate": 0.0284},
    parameters={"engine": "scorecard", "iterations": "1000"},
    tags={"arrears.leak_check": "no leak", "arrears.as_of": "2026-01-31", "arrears.run_label": "asset_triggered__1"},
    links={"MLflow run": "https://mlflow/#/runs/abc", "Airflow run": "javascript:alert(1)"},
    measured_at="2026-02-01 02:06 UTC",
)


class PrintedScorecard:
    """A model that comes with a points table."""

    scale = PointScale()

    def points_table(self) -> tuple[PointsRow, ...]:
        return (PointsRow("income", "up to 3", 40, 9, -0.41, 12, 12.3),)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    monkeypatch.setattr(model_report, "load_scorer", lambda *_: PrintedScorecard())
    untested = replace(full_findings(), calibration=CalibrationCheck(0.01, 0.0, float("nan"), 0))
    champion = Measured(bare_findings(evaluation=an_evaluation(auc=0.73)))
    return report_files(
        CONFIG,
        {"description": DESCRIPTION.to_dict(), "source": "a file"},
        b"",
        DOCUMENT,
        Measured(
            untested,
            a_curve(),
            an_explanation(),
            Comparison(2000, 101, 957, an_evaluation(auc=0.7423)),
            ("income",),
        ),
        champion,
        trained=TRAINED,
    )


def refuse(constant: str) -> Any:
    raise ValueError(constant)


def test_page_and_numbers_tell_the_same(kept: dict[str, bytes]) -> None:
    numbers, page = json.loads(kept["evaluation.json"], parse_constant=refuse), kept["report.html"].decode()
    assert numbers["decision"]["outcome"] == "kept"
    assert "Verdict: keep the present champion" in page
    assert "the difference may be chance" in page
    assert (numbers["comparison"]["rows"], numbers["metrics"]["compared_rows"]) == (2000, 2000)
    assert "2,000 held-out borrowers that neither model has learnt from, with\n    101 defaults; 957" in page
    assert numbers["champion"]["auc"] == 0.73
    assert numbers["explanation"]["auc_losses"] == {"income": 0.0312, "job": -0.001}
    assert "AUC lost" in page
    assert "0.0312" in page
    assert numbers["metrics"]["hosmer_lemeshow_p"] is None
    assert numbers["metrics"]["profit"] == numbers["profit"]["chosen"]["profit"] == a_curve().chosen.profit
    assert numbers["points"] == [
        {
            "feature": "income",
            "bin": "up to 3",
            "rows": 40,
            "defaults": 9,
            "woe": -0.41,
            "points": 12,
            "exact_points": 12.3,
        }
    ]
    assert "<td>up to 3</td>" in page
    for part in ("deciles", "segments", "fairness", "stability", "explanation", "cutoff", "parameters", "provenance"):
        assert numbers[part], part
    assert json.loads(kept["metrics.json"], parse_constant=refuse) == numbers["metrics"]


def test_every_file_has_a_media_type_and_fits_a_mail(kept: dict[str, bytes]) -> None:
    assert {media_type(name) for name in kept} == {"image/png", "text/html; charset=utf-8", "application/json"}
    assert len(kept) == 12 + 3
    assert len(kept["report.html"]) < 1_000_000


def test_mail_says_that_no_cutoff_is_set_or_marks_one_that_approves_few() -> None:
    none = mail_figures(Measured(bare_findings(evaluation=without_cutoff())), None)
    assert none["cut-off"] == NO_CUTOFF
    assert not {"at the threshold", "accuracy, precision, recall, F1"} & none.keys()
    few = mail_figures(Measured(bare_findings(evaluation=an_evaluation(tp=140, fp=2000, tn=807, fn=10))), None)
    assert str(few["approved at the cut-off"]).startswith("27.6% (fewer than 50% are approved")


def test_mail_tells_of_the_champion_and_of_profit_where_there_are() -> None:
    alone = mail_figures(Measured(bare_findings()), None)
    beside = mail_figures(Measured(full_findings(), a_curve()), Measured(bare_findings()))
    assert "5 flagged at 0.5, 2 of 150 defaults caught" in alone.values()
    assert set(beside) - set(alone) == {
        "AUC of the champion on the same rows",
        "AUC above the champion's, 95 % interval",
        "score PSI",
        "profit of 100 applications, unit of loan_amount",
    }
    assert beside["profit of 100 applications, unit of loan_amount"] == pytest.approx(2.1)


def test_page_tells_its_dates_its_training_and_the_ways_to_its_runs(kept: dict[str, bytes]) -> None:
    page = kept["report.html"].decode()
    for part in (
        "business date 2026-01-31", "measured 2026-02-01 02:06 UTC", "5,520", "412", "0.0284", "0.8125",
        "0.7500, -0.0625", "600 points at odds of 50 to 1", "https://mlflow/#/runs/abc", "asset_triggered__1",
    ):  # fmt: skip
        assert part in page, part
    assert "javascript" not in page


def test_rules_are_told_in_words(kept: dict[str, bytes]) -> None:
    page = kept["report.html"].decode()
    assert "lower end of the AUC&#39;s 95 % interval &gt; 0.6" in page
    assert "none unexplained" in page
    assert "auc_low" not in page


def test_mail_names_the_features_that_carry_the_auc_and_which_of_them_are_new() -> None:
    measured = Measured(full_findings(), a_curve(), an_explanation(), new_features=("income",))
    assert mail_figures(measured, None)["AUC lost without what a feature tells"] == "income 0.0312 (new)"


def test_every_leak_that_was_overridden_stands_in_the_report(kept: dict[str, bytes]) -> None:
    tags = {
        "arrears.leak_check": "overridden",
        "arrears.leak_override": "a study, not for use",
        "arrears.leaks": "feature age alone tells too much\nfeature debt alone tells too much",
    }
    told = provenance_of(CONFIG, {}, DOCUMENT, tags)
    assert told["leaks overridden, because"] == "a study, not for use"
    assert [told["leak 1"], told["leak 2"]] == tags["arrears.leaks"].splitlines()
    assert "leak 1" not in json.loads(kept["evaluation.json"])["provenance"]
