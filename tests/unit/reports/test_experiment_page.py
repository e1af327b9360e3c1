"""The page of an experiment shows what was tried, escapes every value, and grows with the trials within limits."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from arrears.contracts.job_configs.arguments import parse
from arrears.contracts.job_configs.experiments import (
    Experiment,
    Folds,
    Range,
)
from arrears.contracts.job_configs.jobs import RunExperimentConfig
from arrears.model.experiments.trials import Proposal, Trial
from arrears.reports.experiment_page import ExperimentPage, experiment_plots, ranking_csv, render_experiment_page
from ops.submit_experiment import job_arguments
from tests.unit.zipped import said_in_the_zip

PNG = b"\x89PNG"


def trial(number: int, auc: float, **choices: Any) -> Trial:
    folds = tuple(
        {"auc": auc + off, "log_loss": 0.5, "ece": 0.01, "mean_probability": 0.2} for off in (-0.01, 0.0, 0.01)
    )
    return Trial(Proposal(number, choices), "finished", folds, started=10.0 * number, seconds=25.0)


FAILED = Trial(Proposal(9, {"depth": 9}), "failed", started=5, seconds=1, error=("BadInput", "<b>bold</b> & wrong"))
SEARCH = Experiment(
    name="try <1>", search="random", space={"depth": (2, 4), "learning_rate": Range(0.01, 1.0, log=True)}
)
TRIALS = [trial(1, 0.71, depth=2, learning_rate=0.01), trial(2, 0.74, depth=4, learning_rate=0.9), FAILED]


def page(asked: Experiment = SEARCH, trials: list[Trial] = TRIALS, **more: Any) -> ExperimentPage:
    given = {"configuration": "depth: 4", "conf": '{"depth": 4}', "links": {"MLflow run": "http://mlflow/1"}}
    return ExperimentPage(asked, "cards", "v1", trials, trials[1], **{**given, **more})


def test_page_shows_the_ranking_the_result_and_the_failures() -> None:
    html = render_experiment_page(page(), {"progress": experiment_plots(page())["progress"]})
    assert html.index("0.7400") < html.index("0.7100")
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; wrong" in html
    assert "try &lt;1&gt;" in html
    assert "<b>bold" not in html
    assert "depth: 4" in html
    assert 'href="http://mlflow/1"' in html


def test_every_choice_that_varied_has_a_plot() -> None:
    plots = experiment_plots(page())
    assert set(plots) == {"progress", "score_against_depth", "score_against_learning_rate"}
    assert all(png.startswith(PNG) and len(png) < 100_000 for png in plots.values())
    assert experiment_plots(page()) == plots


def test_words_and_missing_choices_are_drawn_too() -> None:
    trials = [trial(1, 0.7, engine="catboost"), trial(2, 0.72, engine="xgboost"), trial(3, 0.7, depth=3)]
    assert set(experiment_plots(page(trials=trials))) == {"progress", "score_against_engine"}


def test_a_selection_shows_the_path_and_the_number_of_features() -> None:
    asked = Experiment(name="few", search="importance", folds=Folds(number=3))
    trials = [
        trial(1, 0.6, features=("a",)),
        trial(2, 0.7, features=("a", "b")),
        trial(3, 0.7, features=("a", "b", "c")),
    ]
    plots = experiment_plots(page(asked, trials))
    assert set(plots) == {"progress", "feature_path"}
    html = render_experiment_page(page(asked, trials), plots)
    assert "the fewest within one standard error" in html
    assert "2: a, b" in html


def test_ranking_of_many_trials_is_cut_on_the_page_and_whole_in_the_table() -> None:
    trials = [trial(number, 0.7 + number / 10_000, depth=number % 8 + 1) for number in range(1, 251)]
    html = render_experiment_page(page(trials=trials), {})
    assert "50 more trials stand in" in html
    table = ranking_csv(trials, SEARCH).splitlines()
    assert len(table) == 251
    assert table[1].startswith("1,250,")


def test_experiments_are_found_inside_the_zip_that_goes_to_spark(tmp_path: Path) -> None:
    said = said_in_the_zip(
        "import arrears.contracts.job_configs.experiments as e;"
        "print(*e.shipped_experiments()); print(e.shipped_experiment_text('sampling_study'))",
        tmp_path,
    )

    names, text = said.split("\n", 1)
    assert "sampling_study" in names.split()
    assert "class_weights" in text


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("sampling_study", "sampling_study"),
        ("s3://bank/try.yaml", "s3://bank/try.yaml"),
        ("try.yaml", "{here}/try.yaml"),
    ],
)
def test_by_hand_the_job_gets_a_folder_of_its_own_and_the_file_by_its_full_path(file: str, told: str) -> None:
    argv = job_arguments(file, "cards", None, datetime(2026, 1, 31, 12, 30, tzinfo=UTC))
    config = parse(RunExperimentConfig, argv)
    assert config.experiment == told.format(here=Path.cwd())
    assert (config.dataset, config.as_of) == ("cards", "2026-01-31")
    assert config.report_folder == "s3://arrears/artifacts/runs/experiment/by-hand-2026-01-31T12-30-00/report"
    assert dataclasses.asdict(config)["pins"].endswith("/by-hand-2026-01-31T12-30-00/resolved.json")
