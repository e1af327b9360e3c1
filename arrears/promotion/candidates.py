"""A trained and measured model before the gate: its figures as they stand in MLflow now, and what the rules say."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.job_configs.jobs import ProposeModelConfig
from arrears.contracts.objectives import DEFAULT
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.gate.objective_promotion import decide_objective
from arrears.model.gate.promotion import Decision, decide, overridden_leaks, with_leaks
from arrears.model.gate.rules import Metrics, Verdict
from arrears.stores.models import Models
from arrears.stores.objects import Objects

_CHAMPION = "champion_"
_DIFFERENCE, _COMPARED = "auc_difference", "compared_"


@dataclass(frozen=True)
class Candidate:
    """A model that asks to become champion.

    Attributes:
        metrics: its figures on the held-out rows, and those of its training.
    """

    metrics: Mapping[str, float]
    decision: Decision

    @property
    def verdicts(self) -> tuple[dict[str, object], ...]:
        """What each rule says, for the log."""
        return tuple(asdict(verdict) for verdict in self.decision.verdicts)

    @property
    def digest(self) -> str:
        """What an approver was shown, in 16 hex digits: an answer to other figures does not count."""
        return hashlib.sha256(json.dumps(self.verdicts, sort_keys=True).encode()).hexdigest()[:16]


def judged_candidate(config: ProposeModelConfig, models: Models, objects: Objects) -> Candidate:
    """Judges a trained model by the figures that stand in MLflow at this moment.

    Raises:
        UpstreamNotReady: it has not been evaluated.
        BadConfiguration: it was evaluated on other data than it was trained on, or than this run is of, or against
            another champion, or it is a model of another task.
    """
    manifest = objects.get_json(config.addresses.dataset_manifest(config.dataset, config.dataset_version))
    rules = DatasetDescription.from_dict(manifest["description"]).rules
    metrics, _, tags = models.run_facts(config.mlflow_run_id)
    _refuse_other_evaluation(config, tags)
    finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
    own = with_leaks({name: value for name, value in finite.items() if not name.startswith(_CHAMPION)}, tags)
    champion: Metrics | None = None
    if config.champion_version:
        champion = {name.removeprefix(_CHAMPION): v for name, v in finite.items() if name.startswith(_CHAMPION)}
    else:
        # Left by an evaluation against a champion that this one was not compared with.
        own = {name: value for name, value in own.items() if not name.startswith((_DIFFERENCE, _COMPARED))}
    decided = (
        decide(own, champion, rules, overridden_leaks=overridden_leaks(tags))
        if config.task == DEFAULT
        else decide_objective(config.task, own, champion)
    )
    return Candidate(finite, decided)


def rule_figures(verdicts: Iterable[Verdict]) -> dict[str, str]:
    """What each rule says, as figures of a mail."""
    return {f"rule {each.rule}": f"{'met' if each.met else 'NOT MET'}: {each.reason}" for each in verdicts}


def require_champion(name: str, present: str | None, config: ProposeModelConfig, version: str) -> None:
    """Refuses a candidate that was compared with a champion who no longer serves.

    Raises:
        BadConfiguration: the champion is another one than the candidate was compared with.
    """
    if present not in (config.champion_version, version):
        raise BadConfiguration(
            f"{name}'s champion became version {present} while this run compared with"
            f" {config.champion_version or 'none'}: run training again, so that the two are compared"
        )


def _refuse_other_evaluation(config: ProposeModelConfig, tags: Mapping[str, str]) -> None:
    task = tags.get("arrears.task", DEFAULT)
    if task != config.task:
        raise BadConfiguration(f"MLflow run {config.mlflow_run_id} trained a model of task {task}, not {config.task}")
    measured = tags.get("arrears.evaluated_on"), tags.get("arrears.compared_with", "")
    if measured[0] is None:
        raise UpstreamNotReady(f"MLflow run {config.mlflow_run_id} has not been evaluated: run evaluate_model first")
    if measured != (config.dataset_version, config.champion_version or ""):
        raise BadConfiguration(
            f"MLflow run {config.mlflow_run_id} was evaluated on {measured[0]} against champion"
            f" {measured[1] or 'none'}, not on {config.dataset_version} against {config.champion_version or 'none'}:"
            " run evaluate_model again"
        )
    trained = tags.get("arrears.dataset_version")
    if trained != measured[0]:
        raise BadConfiguration(
            f"MLflow run {config.mlflow_run_id} was trained on {trained or 'a version that it does not tell'} and"
            f" evaluated on {measured[0]}: a model is judged on rows held out from its own training; train on"
            f" {measured[0]}"
        )
