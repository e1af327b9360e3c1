"""What came of a training, as the report shows it beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from arrears.model.metrics.default_metrics import Evaluation
from arrears.stores.model_notes import AS_OF_TAG


@dataclass(frozen=True)
class TrainedRun:
    """The MLflow run of a training, as its report shows it.

    Attributes:
        metrics: its figures, those of the training itself among them.
        parameters: what was asked for.
        links: label to URL of the pages about it.
        measured_at: when the report is made.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    measured_at: str = ""

    @property
    def as_of(self) -> str:
        """The business date that it was trained for. Empty where it had none."""
        return self.tags.get(AS_OF_TAG, "")


def _of_rejects(run: TrainedRun, held_out: Evaluation) -> dict[str, str]:
    """What reject inference changed, and what no figure of accepted borrowers can tell of it."""
    trained = run.metrics
    if "rejects" not in trained:
        return {}
    accepted = held_out.defaults / held_out.rows
    without, final = trained["auc_without_reject_inference"], trained["auc_with_reject_inference"]
    return {
        "rejected applicants": f"{trained['rejects']:,.0f}, by {run.parameters.get('reject_inference', 'inference')}",
        "bad rate inferred of them": (
            f"{trained['inferred_bad_rate']:.2%}; of held-out accepted borrowers it is {accepted:.2%}"
        ),
        "AUC on held-out accepted borrowers": f"{final:.4f} with reject inference, {without:.4f} without it",
        "what reject inference cannot know": (
            "Held-out borrowers were all accepted. Whether rejected applicants would have defaulted as inferred, no"
            " figure here can tell: only outcomes of some who are granted a loan against the rule could."
        ),
    }


def training_figures(scorer: Any, run: TrainedRun, held_out: Evaluation) -> dict[str, str]:
    """Trees, step size, rows and the AUC on them, the scale of a scorecard. What is not known is left out.

    Args:
        scorer: the loaded model.
    """
    figures, trained = {}, run.metrics
    if "train_rows" in trained:
        figures["training rows"] = f"{trained['train_rows']:,.0f}"
    if "trees" in trained:
        figures["trees used"] = f"{trained['trees']:,.0f}"
    if "learning_rate" in trained:
        figures["learning rate in effect"] = f"{trained['learning_rate']:.4g}"
    if "train_auc" in trained:
        learnt = trained["train_auc"]
        figures["AUC on the training rows"] = f"{learnt:.4f}"
        figures["AUC on held-out rows"] = f"{held_out.auc:.4f}, {held_out.auc - learnt:+.4f}"
    figures |= _of_rejects(run, held_out)
    scale = getattr(scorer, "scale", None)
    if scale is not None:
        figures["base score"] = f"{scale.base_points:g} points at odds of {scale.base_odds:g} to 1"
        figures["points to double the odds"] = f"{scale.doubling_points:g}"
    return figures
