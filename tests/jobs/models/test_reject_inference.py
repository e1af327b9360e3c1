"""Reject inference on applicants whose true outcomes the test knows, and the training does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.scoring.batch import default_probabilities
from arrears.scoring.scorers import load_scorer
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.jobs import evaluate_model, train_model
from spark_jobs.objectives import default
from spark_jobs.objectives.protocol import FittedObjective
from spark_jobs.training.training_plan import training_plan
from tests.jobs.generated import DATASET, generate, manifest_of
from tests.jobs.models.model_world import local_registry

APPLICANTS = 3000


@dataclass(frozen=True)
class Applicants:
    """A data set of accepted borrowers and rejected applicants, and what became of the rejected ones in truth."""

    folder: Path
    version: str
    rejected: pd.DataFrame

    @property
    def true_bad_rate(self) -> float:
        """Of the rejected applicants."""
        return float(self.rejected["bad"].mean())


@pytest.fixture(scope="module")
def applicants(spark_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Applicants:
    """Rejected by chance and by income, which the model sees: outcomes are missing at random."""
    folder, random = tmp_path_factory.mktemp("applicants"), np.random.default_rng(7)
    income, debt = random.normal(size=(2, APPLICANTS))
    bad = random.random(APPLICANTS) < 1 / (1 + np.exp(1.3 + 1.2 * income - 0.8 * debt))
    is_rejected = random.random(APPLICANTS) < 1 / (1 + np.exp(0.8 + 1.6 * income))
    everybody = pd.DataFrame({"number": range(APPLICANTS), "income": income, "debt": debt, "bad": bad.astype(int)})
    told = everybody.assign(bad=everybody["bad"].astype(str).where(~is_rejected, ""))
    told.to_csv(folder / "applicants.csv", index=False)
    given = {"source": str(folder / "applicants.csv"), "target": "bad", "id_column": "number"}
    version = generate(spark_session, folder, unlabelled="leave_out", **given).values["dataset_version"]
    return Applicants(folder, version, everybody[is_rejected])


def trained(spark: SparkSession, applicants: Applicants, kind: str, **choices: Any) -> FittedObjective:
    given = {"engine": "logistic_regression", "validation_share": 0.3, "threads": 1} | choices
    config = TrainModelConfig(
        root=applicants.folder.as_uri(),
        dataset=DATASET,
        dataset_version=applicants.version,
        reject_inference=kind,  # type: ignore[arg-type]
        **given,
    )
    manifest = manifest_of(applicants.folder, applicants.version)
    plan = training_plan(config, DatasetDescription.from_dict(manifest["description"]))
    return default.fit(spark, plan, f"{kind}-{given['engine']}")


def expected_bad_rate(model: FittedObjective, applicants: Applicants) -> float:
    rows = pa.Table.from_pandas(applicants.rejected[["income", "debt"]], preserve_index=False)
    scorer = load_scorer(model.fitted.model_format, model.fitted.model)
    return float(np.mean(default_probabilities(rows, scorer, model.document)))


@pytest.mark.parametrize("kind", ["augmentation", "fuzzy", "parcelling"])
def test_the_bad_rate_inferred_of_rejected_applicants_is_about_the_true_one(
    delta_spark: SparkSession, applicants: Applicants, kind: str
) -> None:
    facts = trained(delta_spark, applicants, kind).fitted.facts

    accepted = manifest_of(applicants.folder, applicants.version)
    rate_of_accepted = accepted["defaults"]["train"] / accepted["rows"]["train"]
    assert facts["rejects"] == len(applicants.rejected)
    assert rate_of_accepted < applicants.true_bad_rate - 0.15
    assert float(facts["inferred_bad_rate"]) == pytest.approx(applicants.true_bad_rate, abs=0.07)
    for auc in ("auc_with_reject_inference", "auc_without_reject_inference"):
        assert 0.6 < float(facts[auc]) < 0.9


def test_boosted_trees_learn_from_accepted_borrowers_who_stand_for_others(
    delta_spark: SparkSession, applicants: Applicants
) -> None:
    model = trained(delta_spark, applicants, "augmentation", engine="catboost", iterations=60, depth=3)

    assert expected_bad_rate(model, applicants) == pytest.approx(applicants.true_bad_rate, abs=0.08)
    assert float(model.fitted.facts["greatest_weight"]) > 2


@pytest.mark.parametrize(
    ("kind", "engine"), [("fuzzy", "catboost"), ("parcelling", "catboost"), ("fuzzy", "scorecard")]
)
def test_a_model_follows_the_outcomes_that_were_inferred_by_their_weight(
    delta_spark: SparkSession, applicants: Applicants, kind: str, engine: str
) -> None:
    # With a factor of 1 a model of unweighted rows, each applicant as bad as good, would come as near to the truth.
    few = {"reject_factor": 0.3, "iterations": 60, "depth": 3}
    model = trained(delta_spark, applicants, kind, engine=engine, **few)

    assert float(model.fitted.facts["inferred_bad_rate"]) < 0.4 * applicants.true_bad_rate
    assert expected_bad_rate(model, applicants) < applicants.true_bad_rate - 0.12


def test_a_factor_makes_rejected_applicants_worse_than_accepted_ones_of_their_score(
    delta_spark: SparkSession, applicants: Applicants
) -> None:
    plain, worse = (trained(delta_spark, applicants, "fuzzy", reject_factor=factor) for factor in (1.0, 1.5))

    assert expected_bad_rate(worse, applicants) > expected_bad_rate(plain, applicants) + 0.05


def test_the_report_tells_the_effect_and_what_reject_inference_cannot_know(
    delta_spark: SparkSession, applicants: Applicants, tmp_path: Path
) -> None:
    where = {"root": applicants.folder.as_uri(), "dataset": DATASET, "dataset_version": applicants.version}
    training = TrainModelConfig(
        **where, iterations=40, depth=3, threads=1, reject_inference="parcelling", reject_factor=1.2
    )
    with local_registry(tmp_path):
        result = train_model.run(delta_spark, training)
        run_id = result.values["mlflow_run_id"]
        report = f"{where['root']}/artifacts/report"
        evaluation = EvaluateModelConfig(**where, mlflow_run_id=run_id, report_folder=report, replicates=50)
        evaluated = evaluate_model.run(delta_spark, evaluation)
        metrics, _, _ = Models().run_facts(run_id)

    page = Objects().get(f"{report}/report.html").decode()
    assert result.figures["rejects"] == len(applicants.rejected)
    assert metrics["auc_with_reject_inference"] == pytest.approx(metrics["auc"], abs=1e-9)
    for told in (f"{len(applicants.rejected):,}, by parcelling", "what reject inference cannot know", "without it"):
        assert told in page
    assert evaluated.attachments


def test_values_that_no_row_has_are_refused(delta_spark: SparkSession, applicants: Applicants) -> None:
    with pytest.raises(BadConfiguration, match="is one whose target is Declined"):
        trained(delta_spark, applicants, "fuzzy", reject_values=("Declined",))


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"sampling": "over"}, "and sampling over"),
        ({"validation_share": 0.0}, "and validation_share 0"),
        ({"task": "loss"}, "and task loss"),
    ],
)
def test_what_does_not_go_with_reject_inference_is_refused(choices: dict[str, Any], told: str) -> None:
    with pytest.raises(BadConfiguration, match=told):
        TrainModelConfig(dataset_version="v", reject_inference="fuzzy", **choices)
