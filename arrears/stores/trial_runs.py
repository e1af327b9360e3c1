"""The trials of an experiment in MLflow: each a run nested in the experiment's, kept as soon as it has ended.

Runs are written by their ids, without MLflow's notion of an active run, of which a thread has one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from arrears.stores.model_registry import LONGEST_TAG, translate_outages

DIGEST_TAG = "arrears.experiment_digest"
TRIAL_TAG = "arrears.trial"
CHOICES_TAG = "arrears.choices"
_LONGEST_PARAMETER = 500
_PAGE = 500


@dataclass(frozen=True)
class FinishedTrial:
    """A trial that an earlier run of the same experiment has finished.

    Attributes:
        key: the name of what was tried.
        choices: what was tried. None where it was too long to be kept.
    """

    key: str
    metrics: Mapping[str, float]
    choices: Mapping[str, Any] | None


class TrialRuns:
    """Keeps and finds trials below one MLflow run.

    Args:
        parent_id: the experiment's own run.
        digest: of the experiment and its data: trials are taken over between runs that share it.
    """

    def __init__(self, parent_id: str, digest: str) -> None:
        self.parent_id, self.digest = parent_id, digest

    @translate_outages
    def keep(
        self,
        name: str,
        *,
        key: str,
        choices: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        finished: bool,
    ) -> str:
        """Writes one ended trial and returns its run's id. Only once all is written does its status say finished."""
        from mlflow.entities import Metric, Param

        choices_text = json.dumps(choices, sort_keys=True)
        named = {
            "mlflow.parentRunId": self.parent_id,
            DIGEST_TAG: self.digest,
            TRIAL_TAG: key,
            **({CHOICES_TAG: choices_text} if len(choices_text) <= LONGEST_TAG else {}),
            **{tag: text[:LONGEST_TAG] for tag, text in tags.items()},
        }
        run_id = str(self._client.create_run(self._experiment_id, run_name=name, tags=named).info.run_id)
        now = int(time.time() * 1000)
        self._client.log_batch(
            run_id,
            metrics=[Metric(metric, value, now, 0) for metric, value in metrics.items()],
            params=[Param(choice, _text(value)) for choice, value in choices.items()],
        )
        self._client.set_terminated(run_id, status="FINISHED" if finished else "FAILED")
        return run_id

    @translate_outages
    def finished(self) -> list[FinishedTrial]:
        """The finished trials of every run with this digest, the earliest first, each key once."""
        trials: dict[str, FinishedTrial] = {}
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment_id],
                filter_string=f"tags.`{DIGEST_TAG}` = '{self.digest}' and attributes.status = 'FINISHED'",
                order_by=["attributes.start_time ASC"],
                max_results=_PAGE,
                page_token=token,
            )
            for run in page:
                key, choices = run.data.tags.get(TRIAL_TAG), run.data.tags.get(CHOICES_TAG)
                if key is not None:
                    known = json.loads(choices) if choices is not None else None
                    trials.setdefault(key, FinishedTrial(key, dict(run.data.metrics), known))
            token = page.token
            if not token:
                return list(trials.values())

    @cached_property
    def _experiment_id(self) -> str:
        return str(self._client.get_run(self.parent_id).info.experiment_id)

    @cached_property
    def _client(self) -> Any:
        import mlflow

        return mlflow.MlflowClient()


def _text(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= _LONGEST_PARAMETER else text[: _LONGEST_PARAMETER - 1] + "…"
