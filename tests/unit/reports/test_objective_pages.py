"""The reports of losses, segments and next products stand alone, and their gate can be checked by hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from arrears.contracts.metric_names import in_words
from arrears.model.gate.objective_promotion import RULES, decide_objective
from arrears.model.metrics.recommendations import Recommendation
from arrears.model.metrics.regression import LossEvaluation, LossGroup, Regression, RegressionSums
from arrears.model.metrics.segmentation import Segmentation, SegmentProfile
from arrears.reports.loss_page import loss_page
from arrears.reports.objective_page import Frame, ObjectivePage, render_objective_page
from arrears.reports.product_page import product_page
from arrears.reports.segment_page import profile_table, segment_page

HOSTILE = "<script>alert(1)</script>\"'&"
SUMS = RegressionSums(200, 0.4, 0.41, 8.0, 2.0, 18.0, 0.1, 0.1, 0.64, 300.0, 400.0, 400.0)
SHARED = {"compared_rows": 900.0, "compared_defaults": 90.0}
DECISION = decide_objective("loss", {"r2": 0.75, "rmse": 0.1}, None)
FRAME = Frame(HOSTILE, "v1", DECISION, parameters={HOSTILE: None}, provenance={"engine": "made up"})


def a_loss() -> LossEvaluation:
    groups = tuple(LossGroup(tenth / 12, tenth / 12 + 0.01, 20) for tenth in range(10))
    return LossEvaluation(Regression.from_sums(SUMS), groups, (5,) * 40, (4,) * 40, 1.0, 0.2)


def a_segmentation() -> Segmentation:
    means = {"income": 1200.0, HOSTILE: None}
    profiles = tuple(
        SegmentProfile(n, 100 * (3 - n), (3 - n) / 3, 0.1 * n, means, {"region": ("north", 0.6)}) for n in (1, 2)
    )
    return Segmentation(0.61, profiles, SegmentProfile(0, 300, 1.0, 0.15, {"income": 1000.0, HOSTILE: 2.0}))


def a_recommendation() -> Recommendation:
    products = {"card": 0.5, HOSTILE: 0.3, "fund": 0.2, "mortgage": 0.1}
    return Recommendation(10, {1: 6, 2: 3, 3: 1}, {1: 2, 2: 4, 3: 4}, products, dict.fromkeys(products, 0.25))


def pages() -> list[ObjectivePage]:
    return [
        loss_page(a_loss(), a_loss(), FRAME, {"income": 60.0, HOSTILE: 40.0}),
        segment_page(
            a_segmentation(),
            a_segmentation(),
            FRAME,
            inputs=["income", HOSTILE],
            middles=[[0.5, 1.8], [-1.0, -2.2]],
            importance=[70.0, 30.0],
        ),
        product_page(a_recommendation(), a_recommendation(), FRAME),
    ]


@pytest.mark.parametrize("number", range(3))
def test_a_page_fetches_and_runs_nothing_and_lets_nothing_in(number: int) -> None:
    page = pages()[number]
    text = render_objective_page(page)
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert len(sources) == len(page.plots) >= 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert all(png.startswith(b"\x89PNG") and len(png) < 100_000 for png in page.plots.values())
    assert all(in_words(reason) in text.replace("&#39;", "'") for reason in DECISION.reasons)


@pytest.mark.parametrize("found", [a_loss(), a_segmentation(), a_recommendation()])
def test_what_is_found_is_json_of_finite_numbers(found: LossEvaluation | Segmentation | Recommendation) -> None:
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert all(isinstance(value, (int, float)) for value in found.metrics().values())


def test_a_profile_tells_how_far_a_segment_lies_from_everyone() -> None:
    lines = {row[0]: row[1:] for row in profile_table(a_segmentation()).rows}
    assert lines["income"] == ("1,000", "1,200 (+20%)", "1,200 (+20%)")
    assert lines["region"] == ("", "north (60%)", "north (60%)")


def test_a_mean_further_below_zero_than_everyones_lies_below_it() -> None:
    owing = replace(a_segmentation(), everyone=SegmentProfile(0, 300, 1.0, 0.15, {"balance": -100.0}))
    deeper = tuple(replace(profile, means={"balance": -150.0}) for profile in owing.profiles)
    lines = {row[0]: row[1:] for row in profile_table(replace(owing, profiles=deeper)).rows}
    assert lines["balance"] == ("-100", "-150 (-50%)", "-150 (-50%)")


def test_the_metrics_of_a_regression_follow_from_its_sums() -> None:
    found = Regression.from_sums(SUMS)
    assert (found.rmse, found.mae, found.r2, found.spearman) == pytest.approx((0.1, 0.09, 0.75, 0.75))
    constant = Regression.from_sums(replace(SUMS, deviations=0.0, actual_ranks=0.0))
    assert (constant.r2, constant.spearman) == (0.0, 0.0)
    assert Regression.from_sums(replace(SUMS, deviations=0.0, squared_errors=0.0)).r2 == 1.0


def regression_of(said: np.ndarray, came: np.ndarray) -> Regression:
    """The metrics by the definition of the sums."""
    errors, distances = (said - came) ** 2, (came - came.mean()) ** 2
    return Regression.from_sums(
        replace(
            SUMS,
            rows=len(came),
            squared_errors=errors.sum(),
            deviations=distances.sum(),
            error_squares=(errors**2).sum(),
            cross_products=(errors * distances).sum(),
            deviation_squares=(distances**2).sum(),
        )
    )


def test_interval_of_r2_is_as_wide_as_r2_scatters() -> None:
    random = np.random.default_rng(5)
    came = random.beta(0.6, 0.8, size=(2000, 300))
    said = 0.4 + 0.5 * (came - 0.43) + random.normal(scale=0.2, size=came.shape)
    found = [regression_of(*pair) for pair in zip(said, came, strict=True)]
    scatter = np.std([one.r2 for one in found])
    told = np.mean([(one.r2 - one.r2_low) / 1.959964 for one in found])
    assert told == pytest.approx(scatter, rel=0.05)


def test_estimates_that_know_nothing_show_no_skill() -> None:
    random = np.random.default_rng(6)
    came = random.beta(0.6, 0.8, size=(2000, 100))
    said = 0.43 + random.normal(scale=0.01, size=came.shape)
    lucky = np.mean([regression_of(*pair).r2_low > 0 for pair in zip(said, came, strict=True)])
    assert lucky <= 0.03  # one of forty, and a little for chance


@pytest.mark.parametrize(
    ("task", "candidate", "champion", "outcome"),
    [
        ("loss", {"r2": 0.2, "r2_low": 0.1, "rmse": 0.1}, None, "promoted"),
        ("loss", {"r2": 0.2, "r2_low": 0.1, "rmse": 0.1}, {"rmse": 0.2}, "promoted"),
        ("loss", {"r2": 0.2, "r2_low": 0.1, "rmse": 0.1}, {"rmse": 0.1}, "kept"),
        ("loss", {"r2": -0.1, "r2_low": -0.2, "rmse": 0.1}, None, "refused"),
        ("loss", {"r2": 0.04, "r2_low": -0.01, "rmse": 0.1}, None, "refused"),  # it may be chance
        ("loss", {"r2": 0.004, "r2_low": 0.001, "rmse": 0.1}, None, "refused"),  # proven, and of no use
        ("loss", {"r2": 0.01, "r2_low": 0.001, "rmse": 0.1}, None, "promoted"),
        ("loss", {"r2": 0.2, "rmse": 0.1}, None, "refused"),
        ("loss", {"r2": 0.2, "r2_low": 0.1, "rmse": float("nan")}, None, "refused"),
        ("segments", {"silhouette": 0.5}, {"silhouette": 0.4}, "promoted"),
        ("segments", {"silhouette": 0.0}, None, "refused"),
        ("segments", {}, None, "refused"),
        ("next_product", {"ndcg": 0.5, "popularity_ndcg": 0.4}, {"ndcg": 0.6}, "kept"),
        ("next_product", {"ndcg": 0.4, "popularity_ndcg": 0.4}, None, "refused"),
        ("next_product", {"ndcg": 0.4}, {"ndcg": 0.3}, "refused"),
        ("next_product", {"ndcg": 0.5, "popularity_ndcg": 0.4}, {}, "kept"),
    ],
)
def test_a_model_must_beat_knowing_nothing_and_the_champion(
    task: str, candidate: dict[str, float], champion: dict[str, float] | None, outcome: str
) -> None:
    shared = {**candidate, **{f"compared_{name}": value for name, value in candidate.items()}, **SHARED}
    assert decide_objective(task, shared, champion).outcome == outcome
    unknown = decide_objective(task, candidate, champion)
    assert unknown.outcome == ("kept" if champion is not None and outcome == "promoted" else outcome)


def test_missing_figure_is_named_with_whose_it_is() -> None:
    unmeasured = decide_objective("next_product", {"ndcg": 0.4, "compared_ndcg": 0.4, **SHARED}, {"ndcg": 0.3})
    assert unmeasured.reasons == (
        "the candidate has no popularity_ndcg: nothing tells whether it beats offering everyone"
        " what most customers hold",
    )
    assert (
        decide_objective("segments", {"silhouette": 0.5, "compared_silhouette": 0.5, **SHARED}, {}).unmet[0].reason
        == "the champion has no silhouette on these rows"
    )


@pytest.mark.parametrize(
    ("task", "outcome"), [("loss", "kept"), ("segments", "promoted"), ("next_product", "promoted")]
)
def test_outcomes_are_counted_where_a_task_is_about_them(task: str, outcome: str) -> None:
    metric = RULES[task].compared
    better = {"r2": 0.5, "r2_low": 0.4, "popularity_ndcg": 0.1, metric: 0.5, f"compared_{metric}": 0.5}
    few = {"compared_rows": 900.0, "compared_defaults": 3.0}
    assert decide_objective(task, {**better, **few}, {metric: 0.6 if task == "loss" else 0.4}).outcome == outcome
    none = {"compared_rows": 99.0, "compared_defaults": 50.0}
    told = decide_objective(task, {**better, **none}, {metric: 0.6 if task == "loss" else 0.4})
    assert told.outcome == "kept"
    assert "only 99 held-out rows" in told.reasons[-1]
