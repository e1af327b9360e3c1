"""Figures as a person reads them: each with its unit."""

from __future__ import annotations

from typing import Any

import pytest

from include.mail.figure_text import is_internal, is_warning, label_of, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), ("kept", "kept"), (1234567, "1,234,567"), (0.74561, "0.7456"), (12.0, "12"), (45678.123, "45,678.1")],
)
def test_figure_is_shown_as_a_person_reads_it(value: Any, text: str) -> None:
    assert shown(value) == text


def test_figure_that_is_not_a_number_is_shown_as_such() -> None:
    assert (shown(float("nan")), shown(float("inf"))) == ("nan", "inf")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("default rate of train", 0.0524, "5.24 %"),
        ("missing share", 0.0, "0.00 %"),
        ("mean default probability", 0.05, "5.00 %"),
        ("mean_loss", 0.4512, "45.12 %"),
        ("learning_rate", 0.03, "0.0300"),
        ("precision (share of the flagged that defaulted)", 0.1103, "11.03 %"),
        ("calibration error (ECE)", 0.0123, "1.23 %"),
        ("train_seconds", 1.7652, "1.8 s"),
        ("train_seconds", 125.4, "2 min 5 s"),
        ("train_seconds", 4000.0, "1 h 6 min"),
    ],
)
def test_unit_follows_from_the_name(name: str, value: float, text: str) -> None:
    assert shown(value, name) == text


def test_name_loses_the_unit_that_the_value_has() -> None:
    assert [label_of(name) for name in ("train_seconds", "default rate", "rows_train")] == [
        "train time", "default rate", "rows train"
    ]  # fmt: skip


def test_inner_workings_and_overrides_are_told_apart_from_the_rest() -> None:
    assert [name for name in ("trees", "read_seconds", "version of loans", "AUC") if is_internal(name)] == [
        "read_seconds", "version of loans"
    ]  # fmt: skip
    assert [name for name in ("gate overridden", "Override refused", "decision") if is_warning(name)] == [
        "gate overridden", "Override refused"
    ]  # fmt: skip


def test_rules_are_told_in_words_and_nothing_else_is_touched() -> None:
    assert label_of("rule auc_low > 0.6") == "rule lower end of the AUC's 95 % interval > 0.6"
    assert shown("met: auc 0.7 beats", "rule auc > the champion's") == "met: AUC 0.7 beats"
    assert shown("auc_of_next_year", "strongest features") == "auc_of_next_year"
    assert label_of("rule auc_of_next_year > 0.6") == "rule auc_of_next_year > 0.6"
