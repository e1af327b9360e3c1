"""An experiment's YAML is read whole or refused with everything that is wrong in it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.job_configs.experiments import Experiment, Folds, Range, shipped_experiments
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.job_configs.training_choices import (
    choice_problems,
    training_conf,
    training_values,
    with_features,
)
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.experiment_files import parse_experiment, read_experiment, training_yaml
from arrears.stores.objects import Objects

RIGHT = """
about: a try
dataset: cards
engine: catboost
fixed: {iterations: 100, interactions: [a*b], calibration: platt, engine_options.boosting_type: Ordered}
search: bayesian
space:
  depth: [4, 6]
  learning_rate: {low: 0.01, high: 0.3, log: true}
  engine_options.l2_leaf_reg: {low: 1, high: 9, step: 2}
  features: [[income], [income, age]]
metric: log_loss
folds: {kind: expanding, number: 3}
trials: 12
parallelism: 3
seed: 7
"""

WRONG = """
search: random
folds: {kind: time, numbr: 3}
fixed: {dept: 4, iterations: many, dataset: x, sampling: double}
space: {depth: [3, 40], learning_rate: {low: 2, high: 0.1}, cutoff: [0.5], a: 4}
trails: 5
parallelism: 0
metric: accuracy
"""


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(BadConfiguration) as refused:
        parse_experiment(text, name="x", where="x.yaml")
    return refused.value.problems


def test_every_key_is_read() -> None:
    read = parse_experiment(RIGHT, name="try", where="")
    assert read.space["learning_rate"] == Range(0.01, 0.3, log=True)
    assert read.space["features"] == (("income",), ("income", "age"))
    assert isinstance(read.space["engine_options.l2_leaf_reg"], Range)
    assert read.space["engine_options.l2_leaf_reg"].steps == (1, 3, 5, 7, 9)
    assert (read.folds, read.trials, read.parallelism, read.seed) == (Folds("expanding", 3), 12, 3, 7)
    assert (read.name, read.dataset, read.metric, read.lower_is_better) == ("try", "cards", "log_loss", True)


def test_everything_wrong_is_told_at_once() -> None:
    told = "\n".join(problems_of(WRONG))
    for wrong in (
        "folds has no key numbr; keys are kind, number",
        "folds.kind: 'time' is none of stratified, grouped, expanding",
        "fixed.dept: the training job has no field dept",
        "fixed.iterations must be a whole number, not 'many'",
        "fixed.dataset: dataset is no choice of an experiment",
        "fixed.sampling: 'double' is none of none, class_weights, over, under",
        "space.depth: 40 is above 16",
        "space.learning_rate: low 2 must be below high 0.1",
        "space.cutoff: cutoff is no choice of an experiment",
        "space.a must be a list of values, or a range of low, high, step, log",
        "space.a: the training job has no field a",
        "the experiment has no key trails",
        "parallelism must be from 1 to 64, not 0",
        "metric: 'accuracy' is none of auc,",
    ):
        assert wrong in told
    assert len(told.splitlines()) == 14


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("search: grid", "a grid search needs a space"),
        ("search: list", "a list search needs candidates"),
        ("search: grid\nspace: {learning_rate: {low: 0.1, high: 0.2}}", "a grid needs a list of values"),
        ("search: grid\nspace: {depth: []}", "space.depth has no value to try"),
        ("search: grid\nspace: {depth: [4]}\nfixed: {depth: 4}", "depth is both fixed and tried"),
        ("search: list\ncandidates: [{depth: 4}, {dept: 4}]", r"candidates\[2\].dept"),
        ("search: forward\nspace: {depth: [4]}", "a search by forward takes no space"),
        ("search: select_features\nengine: xgboost", "select_features is CatBoost's own"),
        ("search: importance\nfolds: {kind: grouped, number: 1}", "number must be from 2 to 50"),
        ("search: grid\nspace: {learning_rate: {low: 0, high: 1, log: true}}", "a logarithmic range begins above 0"),
        ("search: grid\nspace: {margin: {low: 0, high: .inf, step: 1}}", "high must be a finite number, not inf"),
        ("search: grid\nspace: {learning_rate: {low: 0, high: 1, step: 1.0e-9}}", "makes more than 10,000 values"),
        (
            "search: grid\nspace: {iterations: {low: 1, high: 999, step: 1}, threads: {low: 1, high: 11, step: 1}}",
            "the grid has 10,989 trials, at most 10,000 can run",
        ),
        (
            "search: importance\nfixed: {engine_options: [Ordered]}",
            r"fixed.engine_options: 'Ordered' is not name=value",
        ),
        ("search: importance\nfixed: {margin: .nan}", "fixed.margin must be a finite number, not nan"),
        ("search: [", "is not YAML"),
    ],
)
def test_what_cannot_be_run_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(BadConfiguration, match=wrong):
        parse_experiment(text, name="x", where="x.yaml")


@pytest.mark.parametrize("search", ["grid", "random", "bayesian"])
@pytest.mark.parametrize("space", ["{learning_rate: {low: 2.0, high: 0.1}}", "{depth: 4}", "7"])
def test_wrong_space_is_not_said_to_be_missing(search: str, space: str) -> None:
    (told,) = problems_of(f"search: {search}\nspace: {space}")
    assert "needs a space" not in told


@pytest.mark.parametrize("name", shipped_experiments())
def test_every_shipped_experiment_is_right_and_says_what_it_is(name: str) -> None:
    read = read_experiment(name, Objects())
    assert read.name == name
    assert read.about


def test_an_experiment_is_found_by_name_and_by_path(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(RIGHT)
    assert read_experiment(str(tmp_path / "mine.yaml"), Objects()).name == "mine"
    with pytest.raises(BadConfiguration, match=r"no experiment 'studdy' comes with Arrears, only .*sampling_study"):
        read_experiment("studdy", Objects())
    with pytest.raises(UpstreamNotReady):
        read_experiment(str(tmp_path / "theirs.yaml"), Objects())


def test_digest_tells_what_decides_a_result_and_nothing_else() -> None:
    read = parse_experiment(RIGHT, name="try", where="")
    same = dataclasses.replace(read, about="", parallelism=1, trials=50)
    assert same.digest("v1") == read.digest("v1")
    others = [dataclasses.replace(read, seed=8), dataclasses.replace(read, folds=Folds("expanding", 4))]
    assert len({read.digest("v1"), read.digest("v2"), *(other.digest("v1") for other in others)}) == 4


def test_choices_become_fields_of_the_training_job() -> None:
    values = training_values(
        {"iterations": 100.0, "engine_options": ["a=1", "b=x"], "interactions": ["a*b"]},
        {"engine_options.a": 2.5, "depth": 4, "learning_rate": 1, "missing_flags": "add"},
    )
    assert values["engine_options"] == ("a=2.5", "b=x")
    config = TrainModelConfig(dataset_version="v", **values)
    assert (config.iterations, config.depth, config.learning_rate) == (100, 4, 1.0)
    conf = training_conf(values)
    assert (conf["engine_options"], conf["interactions"], conf["missing_flags"]) == ("a=2.5,b=x", "a*b", "add")


def test_the_best_configuration_reads_back_as_what_an_experiment_fixes() -> None:
    values = training_values({"depth": 4, "features": ["income", "age"], "engine_options.l2_leaf_reg": 3})
    text = "search: importance\nfixed:\n" + "".join(f"  {line}\n" for line in training_yaml(values).splitlines())
    assert training_values(parse_experiment(text, name="x", where="").fixed) == values
    assert training_yaml({"engine": "catboost", "depth": 4}) == "depth: 4\nengine: catboost\n"  # a line a choice


def test_a_choice_is_held_to_the_fields_type_and_limits() -> None:
    assert choice_problems("depth", 4.0, "at") == []
    assert choice_problems("learning_rate", None, "at") == []
    assert choice_problems("depth", None, "at") == ["at must have a value"]
    assert choice_problems("depth", True, "at") == ["at must be a whole number, not True"]
    assert choice_problems("deciles", "income", "at") == ["at must be a list such as [a, b]"]
    assert choice_problems("calibration", "platt", "at") == []


def test_features_are_restricted_to_those_named_in_the_data_sets_order() -> None:
    described = DatasetDescription("cards", "bad", numeric=("income", "age"), categorical=("state", "job"))
    few = with_features(described, ("job", "income"))
    assert (few.numeric, few.categorical) == (("income",), ("job",))
    assert with_features(described, ()) is described
    with pytest.raises(BadConfiguration) as refused:
        with_features(described, ("incme", "age", "age"))
    assert len(refused.value.problems) == 2


def test_who_asks_for_what_is_no_feature_is_told_what_it_is() -> None:
    described = DatasetDescription(
        "cards", "bad", numeric=("income",), dates=("decided_on",), kept=("loss",), protected=("gender",)
    )
    with pytest.raises(BadConfiguration) as refused:
        with_features(described, ("income", "gender", "loss", "bad", "nothing"))
    assert refused.value.problems == (
        "features: gender is protected: it serves fairness reports alone, and no model may see it",
        "features: cards declares loss as kept, not as a feature",
        "features: cards declares bad as target, not as a feature",
        "features: cards declares no feature nothing",
    )


def test_an_experiment_of_python_is_checked_like_one_of_yaml() -> None:
    with pytest.raises(BadConfiguration, match="sizes must be whole numbers from 1 on"):
        Experiment(name="x", search="importance", sizes=(0, 3))
