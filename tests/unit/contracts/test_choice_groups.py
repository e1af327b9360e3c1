"""The groups of a training's choices: every field stands in one of them, and a group can be taken out by itself."""

from __future__ import annotations

import dataclasses

from arrears.contracts.job_configs.arguments import Choices, names_of
from arrears.contracts.job_configs.engine_choices import ClusterChoices, EngineChoices
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.job_configs.leak_override import LeakOverride
from arrears.contracts.job_configs.model_choices import CalibrationChoices, CutoffChoices
from arrears.contracts.job_configs.preparation_choices import PreparationChoices, RejectChoices, SamplingChoices
from arrears.contracts.job_configs.training_job import MeasurementChoices, TrainingRun

# In the order of the command line.
GROUPS = (
    *(TrainingRun, EngineChoices, ClusterChoices, SamplingChoices, RejectChoices, PreparationChoices),
    *(MeasurementChoices, CalibrationChoices, CutoffChoices, LeakOverride),
)


def test_the_training_job_has_the_fields_of_its_groups_in_their_order_and_no_others() -> None:
    assert names_of(TrainModelConfig) == names_of(*GROUPS)
    assert len(set(names_of(*GROUPS))) == len(names_of(*GROUPS))
    assert all(len(names_of(group)) <= 9 for group in GROUPS)


def test_a_group_taken_out_of_a_configuration_is_small_and_equals_one_made_by_hand() -> None:
    config = TrainModelConfig(dataset_version="v", sampling="over", sampling_factor=3.0, depth=4)
    found = SamplingChoices.of(config)
    assert type(found) is SamplingChoices
    assert found == SamplingChoices(sampling="over", sampling_factor=3.0)
    assert dataclasses.asdict(found) == {"sampling": "over", "sampling_factor": 3.0}


def test_names_of_takes_names_and_groups() -> None:
    assert names_of("dataset", SamplingChoices, "seed") == ("dataset", "sampling", "sampling_factor", "seed")
    assert names_of(Choices) == ()
