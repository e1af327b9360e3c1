"""Metrics from sums equal scikit-learn's and scipy's; the gate and the risk limits keep their promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn import metrics as reference

from arrears.contracts.errors import BadInput
from arrears.model.metrics.bootstrap import percentile_interval
from arrears.model.metrics.default_metrics import ErrorSums, Evaluation
from arrears.model.metrics.delong import PlacementSums
from arrears.model.metrics.rank_sums import RankSums
from tests.sums_in_memory import error_sums, rank_sums

# Few distinct values make ties the rule; 0 and 1 reach the clipping of log-loss.
tied_scores = st.sampled_from([0.0, 0.1, 0.1 + 1e-12, 0.5, 0.7, 1.0])
any_scores = st.floats(0, 1)
NOTHING = PlacementSums(1, 1, 0, 0, 0)


def with_both_classes(rows: list[tuple[float, int]]) -> bool:
    return {label for _, label in rows} == {0, 1}


def labelled(scores: st.SearchStrategy[float]) -> st.SearchStrategy[list[tuple[float, int]]]:
    return st.lists(st.tuples(scores, st.integers(0, 1)), min_size=2, max_size=60).filter(with_both_classes)


def columns(rows: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in rows]), np.array([label for _, label in rows])


def measured(scores: np.ndarray, labels: np.ndarray, threshold: float = 0.5) -> Evaluation:
    sums = error_sums(scores, labels, threshold=threshold)
    return Evaluation.from_sums(rank_sums(scores, labels), sums, threshold=threshold, auc_interval=(0.0, 1.0))


@given(labelled(tied_scores) | labelled(any_scores))
def test_ranking_metrics_equal_the_references_when_scores_tie(rows: list[tuple[float, int]]) -> None:
    scores, labels = columns(rows)
    found = measured(scores, labels)
    assert found.auc == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-9)
    assert found.gini == pytest.approx(2 * reference.roc_auc_score(labels, scores) - 1, abs=1e-9)
    assert found.auc_pr == pytest.approx(reference.average_precision_score(labels, scores), abs=1e-9)
    one_sided = ks_2samp(scores[labels == 0], scores[labels == 1], alternative="greater").statistic
    assert found.ks == pytest.approx(one_sided, abs=1e-9)


@given(labelled(tied_scores) | labelled(any_scores), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_error_metrics_equal_scikit_learn_when_probabilities_reach_0_and_1(
    rows: list[tuple[float, int]], threshold: float
) -> None:
    scores, labels = columns(rows)
    found, flagged = measured(scores, labels, threshold), scores >= threshold
    assert found.log_loss == pytest.approx(reference.log_loss(labels, scores), abs=1e-9)
    assert found.brier == pytest.approx(reference.brier_score_loss(labels, scores), abs=1e-9)
    called = found.to_dict()
    assert [called[name] for name in ("tn", "fp", "fn", "tp")] == reference.confusion_matrix(
        labels, flagged, labels=[0, 1]
    ).ravel().tolist()
    assert called["accuracy"] == pytest.approx(reference.accuracy_score(labels, flagged), abs=1e-9)
    expected = reference.precision_recall_fscore_support(labels, flagged, average="binary", zero_division=0)[:3]
    assert [called[name] for name in ("precision", "recall", "f1")] == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.tuples(tied_scores, st.integers(0, 1), st.integers(0, 3)), min_size=2, max_size=60))
def test_weighted_ranking_equals_scikit_learn_when_some_rows_weigh_nothing(rows: list[tuple[float, int, int]]) -> None:
    scores, labels, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if not weights[labels == 1].sum() or not weights[labels == 0].sum():
        return
    found = rank_sums(scores, labels, weights)
    assert found.auc == pytest.approx(reference.roc_auc_score(labels, scores, sample_weight=weights), abs=1e-9)
    expected = reference.average_precision_score(labels, scores, sample_weight=weights)
    assert found.auc_pr == pytest.approx(expected, abs=1e-9)


@settings(max_examples=40)  # sixteen of scikit-learn's metrics an example
@given(
    st.lists(st.tuples(tied_scores, st.integers(0, 1), st.sampled_from([0.1, 1.0, 2.5])), min_size=2, max_size=60),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_every_metric_equals_scikit_learn_when_rows_have_weights(
    rows: list[tuple[float, int, float]], threshold: float
) -> None:
    scores, labels, weights = (np.array(column) for column in zip(*rows, strict=True))
    if len(set(labels)) < 2:
        return
    sums = error_sums(scores, labels, threshold=threshold, weights=weights)
    found = Evaluation.from_sums(rank_sums(scores, labels, weights), sums, threshold=threshold).to_dict()
    expected = sklearn_metrics(scores, labels, threshold, weights)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9)


def sklearn_metrics(
    scores: np.ndarray, labels: np.ndarray, threshold: float, weights: np.ndarray | None = None
) -> dict[str, float]:
    """What scikit-learn says; 0 where it divides 0 by 0."""
    flagged = (scores >= threshold).astype(int)
    of_scores, of_calls = {"sample_weight": weights}, {"sample_weight": weights, "zero_division": 0}
    tn, fp, fn, tp = reference.confusion_matrix(labels, flagged, sample_weight=weights).ravel()
    return {
        "auc": reference.roc_auc_score(labels, scores, **of_scores),
        "auc_pr": reference.average_precision_score(labels, scores, **of_scores),
        "log_loss": reference.log_loss(labels, scores, **of_scores),
        "brier": reference.brier_score_loss(labels, scores, **of_scores),
        "accuracy": reference.accuracy_score(labels, flagged, **of_scores),
        "precision": reference.precision_score(labels, flagged, **of_calls),
        "recall": reference.recall_score(labels, flagged, **of_calls),
        "f1": reference.f1_score(labels, flagged, **of_calls),
        "specificity": reference.recall_score(labels, flagged, pos_label=0, **of_calls),
        "negative_predictive_value": reference.precision_score(labels, flagged, pos_label=0, **of_calls),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, flagged, **of_scores),
        "mcc": reference.matthews_corrcoef(labels, flagged, **of_scores),
        "kappa": reference.cohen_kappa_score(labels, flagged, **of_scores),
        "false_positive_rate": fp / (fp + tn),
        "false_negative_rate": fn / (fn + tp),
        "approval_rate": (fn + tn) / (tn + fp + fn + tp),
    }


def test_all_equal_scores_are_a_coin_toss() -> None:
    found = measured(np.full(10, 0.3), np.array([1] * 3 + [0] * 7))
    assert (found.auc, found.gini, found.ks, found.auc_pr) == (0.5, 0.0, 0.0, pytest.approx(0.3))


def test_ks_is_0_when_the_model_ranks_the_wrong_way_round() -> None:
    assert measured(np.array([0.1, 0.9]), np.array([1, 0])).ks == 0.0


def test_precision_and_f1_are_0_when_nobody_is_flagged() -> None:
    found = measured(np.array([0.1, 0.2]), np.array([0, 1])).to_dict()
    assert [found[name] for name in ("precision", "recall", "f1")] == [0.0, 0.0, 0.0]


def test_without_a_cutoff_no_decision_is_counted_and_all_else_stays() -> None:
    scores, labels = np.array([0.1, 0.4, 0.2]), np.array([0, 1, 1])
    at_half = measured(scores, labels).to_dict()
    without = Evaluation.from_sums(
        rank_sums(scores, labels), error_sums(scores, labels, threshold=0.5), threshold=None, auc_interval=(0.0, 1.0)
    )
    assert without.confusion is None
    assert without.to_dict().items() < at_half.items()
    assert not {"threshold", "tp", "accuracy", "f1", "approval_rate"} & without.to_dict().keys()


@pytest.mark.parametrize(
    ("labels", "says"), [([], "no scored rows"), ([0, 0], "none of the 2"), ([1, 1], "all of the 2")]
)
def test_one_clear_error_when_a_class_is_missing(labels: list[int], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        rank_sums(np.linspace(0, 1, len(labels)), labels)
    sums = ErrorSums(len(labels), sum(labels), 0.0, 0.0, 0, 0, 0, 0)
    with pytest.raises(BadInput, match=says):
        Evaluation.from_sums(RankSums(1, 1, 1, 1, 1, NOTHING, NOTHING), sums, threshold=0.5)


def test_interval_leaves_out_replicates_when_they_lack_a_class() -> None:
    assert percentile_interval([float("nan"), *np.linspace(0, 1, 41)]) == pytest.approx((0.025, 0.975))


def test_interval_is_refused_when_no_replicate_has_both_classes() -> None:
    with pytest.raises(BadInput, match="bootstrap"):
        percentile_interval([float("nan")])


def test_every_metric_is_a_plain_number_when_written_out() -> None:
    found = measured(np.array([0.1, 0.9]), np.array([0, 1])).to_dict()
    assert {type(value) for value in found.values()} <= {int, float}
    assert list(found)[:3] == ["auc", "auc_low", "auc_high"]
