"""Who trains on which rows: again on all of them, or without a slice, and by whom each row is scored unseen."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from spark_jobs.engines.interface import Engine, FittedModel, TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, Snapshot
from spark_jobs.training.fitting import TrainedModel, spec_again, trained_model
from spark_jobs.transforms.training.training_rows import AGAIN, CALIBRATION, VALIDATION

SPEC = TrainingSpec("is_default", ("income",), (), 1000, 6, 50, 42, 1)


def a_fit(_: object, snapshot: Snapshot, spec: TrainingSpec, __: object) -> FittedModel:
    """A model that is a note of what it learnt from."""
    learnt = {f"{piece.uri}:{piece.shard}" for piece in snapshot.slices if piece.shard >= 0}
    stopped = any(piece.shard == VALIDATION for piece in snapshot.slices)
    note = {"learnt": sorted(learnt), "trees": 100 if stopped else spec.iterations, "shards": spec.shards}
    facts: dict[str, float | int | str] = {
        "trees": note["trees"] * spec.shards,
        "shards": spec.shards,
        "a_seconds": 2.0,
    }
    facts |= {"learning_rate": 0.07} | ({"best_validation_logloss": 0.3} if stopped else {})
    return FittedModel(json.dumps({**note, "digest": snapshot.digest}).encode(), "noted", facts)


def learnt(model: bytes) -> list[str]:
    found: list[str] = json.loads(model)["learnt"]
    return found


def train(shards: list[int], spec: TrainingSpec = SPEC, *, refit: bool = True) -> TrainedModel:
    engine = Engine("noted", a_fit, stops_early=True, adds_up_shards=True)
    pieces = tuple(FileSlice(f"{number}", 0, 20 if shard < 0 else 80, shard) for number, shard in enumerate(shards))
    snapshot = Snapshot(pieces, sum(piece.rows for piece in pieces), "rows")
    return trained_model(None, engine, snapshot, spec, refit=refit)  # type: ignore[arg-type]


def test_model_that_serves_has_learnt_the_slice_and_the_one_that_scores_it_has_not() -> None:
    found = train([0, VALIDATION, CALIBRATION, AGAIN])
    (unseen,) = found.unseen
    assert learnt(found.fitted.model) == ["0:0", "3:0"]
    assert learnt(unseen.model) == ["0:0"]
    assert [piece.uri for piece in unseen.rows.slices] == ["1"]
    assert (found.fitted.facts["trees"], found.fitted.facts["trees_on_the_slice"]) == (125, 100)
    assert found.fitted.facts["best_validation_logloss"] == 0.3
    assert found.fitted.facts["a_seconds"] == 4.0
    assert json.loads(found.fitted.model)["digest"] != json.loads(unseen.model)["digest"]


def test_shards_are_refitted_on_their_part_of_the_slice_with_their_mean_trees() -> None:
    found = train([0, 1, VALIDATION, AGAIN, AGAIN - 1], replace(SPEC, shards=2))
    assert learnt(found.fitted.model) == ["0:0", "1:1", "3:0", "4:1"]
    assert found.fitted.facts["trees"] == 2 * round(100 * 200 / 160)


def test_without_refit_the_model_that_the_slice_ended_serves() -> None:
    found = train([0, VALIDATION], refit=False)
    assert learnt(found.fitted.model) == ["0:0"] == learnt(found.unseen[0].model)
    assert found.fitted.facts["trees"] == 100


@pytest.mark.parametrize(("parts", "shards", "models"), [(3, 1, 3), (2, 2, 2), (5, 5, 3)])
def test_without_a_slice_every_row_is_scored_once_by_a_model_that_lacks_it(
    monkeypatch: pytest.MonkeyPatch, parts: int, shards: int, models: int
) -> None:
    found = train([*range(parts), CALIBRATION], replace(SPEC, shards=shards))
    assert len(learnt(found.fitted.model)) == parts
    assert json.loads(found.fitted.model)["trees"] == SPEC.iterations
    assert len(found.unseen) == models
    scored = [piece.uri for unseen in found.unseen for piece in unseen.rows.slices]
    assert sorted(scored) == [str(part) for part in range(parts)]
    for unseen in found.unseen:
        known = {name.partition(":")[0] for name in learnt(unseen.model)}
        assert known.isdisjoint({piece.uri for piece in unseen.rows.slices})
        numbers = sorted({int(name.partition(":")[2]) for name in learnt(unseen.model)})
        assert numbers == list(range(json.loads(unseen.model)["shards"]))


@given(st.integers(1, 1000), st.floats(1.0, 2.0))
def test_refit_never_grows_more_trees_than_were_asked_for(trees: int, growth: float) -> None:
    engine = Engine("noted", a_fit, stops_early=True)
    again = spec_again(engine, SPEC, {"trees": trees, "learning_rate": 0.1}, growth=growth)
    assert min(1000, trees) <= again.iterations <= 1000
    assert again.learning_rate == 0.1
    assert spec_again(replace(engine, stops_early=False), SPEC, {"trees": trees}, growth=growth) == SPEC


def test_rows_that_were_repeated_are_not_scored_for_a_cutoff() -> None:
    with pytest.raises(BadConfiguration, match="which sampling over repeats or thins out"):
        TrainModelConfig(dataset_version="v", validation_share=0.0, sampling="over", sampling_factor=2.0)
