"""Job configurations survive the way over the command line, and nothing wrong gets through."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.arguments import flag, parse, to_argv
from arrears.contracts.job_configs.jobs import (
    JOBS,
    GenerateDataConfig,
    JobConfig,
    RunExperimentConfig,
    ScoreBorrowersConfig,
    TrainModelConfig,
)
from arrears.contracts.job_configs.refused_flags import RefusedArguments

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1).filter(lambda t: t != "None")


@given(
    target=st.none() | TEXT,
    bad_when=TEXT,
    share=st.floats(0.05, 0.95),
    seed=st.integers(),
    rows=st.integers(100, 10**9),
)
def test_a_configuration_read_from_its_own_argv_is_the_same(
    target: str | None, bad_when: str, share: float, seed: int, rows: int
) -> None:
    values = {
        "as_of": "2026-01-31",
        "target": target,
        "bad_when": bad_when,
        "test_share": share,
        "seed": seed,
        "rows": rows,
    }
    argv = [f"{name}={value}" for name, value in zip(*[iter(to_argv(GenerateDataConfig, values))] * 2, strict=True)]
    assert parse(GenerateDataConfig, argv) == GenerateDataConfig(**values)


@pytest.mark.parametrize("value", ["true", "false"])
def test_truth_values_are_spelt_out(value: str) -> None:
    config = parse(ScoreBorrowersConfig, [*_needed(ScoreBorrowersConfig), "--force", value])
    assert config.force is (value == "true")


def test_switch_that_is_not_given_stays_as_it_is() -> None:
    assert parse(ScoreBorrowersConfig, [*_needed(ScoreBorrowersConfig), "--force", ""]).force is False


def test_limits_travel_as_one_comma_separated_value() -> None:
    argv = to_argv(ScoreBorrowersConfig, {**_values(ScoreBorrowersConfig), "risk_limits": (0.4, 0.7)})
    assert argv[argv.index("--risk-limits") + 1] == "0.4,0.7"
    assert parse(ScoreBorrowersConfig, argv).risk_limits == (0.4, 0.7)


def test_two_dashes_are_a_value_like_any_other() -> None:
    assert parse(GenerateDataConfig, ["--as-of=2026-01-31", "--bad-when=--"]).bad_when == "--"
    with pytest.raises(RefusedArguments) as refused:
        parse(TrainModelConfig, [*_needed(TrainModelConfig), "--depth=--"])
    assert refused.value.problems == ("argument --depth: '--' is not a whole number",)


def test_an_empty_text_means_none_where_none_is_allowed() -> None:
    assert parse(TrainModelConfig, [*_needed(TrainModelConfig), "--learning-rate", ""]).learning_rate is None


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--depht", "6"], "unrecognized arguments: --depht"),
        (["--dept", "6"], "unrecognized arguments: --dept"),
        (["--depth", "six"], "'six' is not a whole number"),
        (["--depth", "17"], "argument --depth: 17 is above 16"),
        (["--validation-share", "nan"], "argument --validation-share: nan is below 0.0"),
        (["--margin", "inf"], "argument --margin: inf is not a finite number"),
        (["--engine", "magic"], "'magic' is not one of catboost"),
        (["--root", "arrears"], "must look like s3://bucket"),
    ],
)
def test_a_wrong_flag_ends_the_job_with_code_two(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(TrainModelConfig, [*_needed(TrainModelConfig), *flags])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_every_value_out_of_range_is_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(TrainModelConfig, [*_needed(TrainModelConfig), "--depth", "99", "--threads", "0"])
    told = capsys.readouterr().err
    assert "--depth" in told
    assert "--threads" in told


def test_an_impossible_business_date_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(GenerateDataConfig, ["--as-of", "2026-02-30"])
    assert "2026-02-30" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("switch_on", "reason", "told"),
    [
        (False, "", None),
        (True, "a study, not for use", None),
        (True, "", "leak_override needs its reason, in at least 5 different words, not ''"),
        (True, " none  so \n", "leak_override needs its reason, in at least 5 different words, not 'none  so'"),
        (False, "none", "leak_override is off, yet there is a reason for it: switch it on, or leave the reason empty"),
    ],
)
def test_an_override_is_a_switch_and_a_reason_in_words(switch_on: bool, reason: str, told: str | None) -> None:
    given = {"leak_override": switch_on, "leak_override_reason": reason}

    def problems(config: type[JobConfig], **more: str) -> tuple[str, ...]:
        try:
            config(**given, **more)  # type: ignore[arg-type]
        except BadConfiguration as error:
            return error.problems
        return ()

    expected = () if told is None else (told,)
    assert problems(TrainModelConfig, dataset_version="1") == expected
    assert problems(RunExperimentConfig, experiment="x", as_of="2026-01-31", pins="p", report_folder="f") == expected


def test_unknown_and_missing_values_are_named_together() -> None:
    with pytest.raises(BadConfiguration) as error:
        to_argv(TrainModelConfig, {"depht": 6})
    assert error.value.problems == ("TrainModelConfig has no field depht", "TrainModelConfig needs dataset_version")


@pytest.mark.parametrize("job", sorted(JOBS))
def test_every_field_of_every_job_explains_itself(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(JOBS[job], ["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for field in dataclasses.fields(JOBS[job]):
        assert flag(field.name) in told
        assert field.metadata["help"]


def _values(config_type: type[JobConfig]) -> dict[str, Any]:
    known = {
        "as_of": "2026-01-31",
        "scored_at": "2026-01-31T00:00:00+00:00",
        "report_folder": "s3://arrears/artifacts/x",
    }
    required = [f.name for f in dataclasses.fields(config_type) if f.default is dataclasses.MISSING]
    return {name: known.get(name, "1") for name in required}


def _needed(config_type: type[JobConfig]) -> list[str]:
    return to_argv(config_type, _values(config_type))
