"""The names in MLflow's registry that say which version serves, which may come next, and which have served.

Aliases: ``champion`` serves, ``challenger`` may come next, ``archived-1``, ``archived-2``, … are the champions of
earlier reigns in their order. MLflow has no compare-and-swap for them: whoever changes one holds the model's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, ParamSpec, TypeVar

from arrears.contracts.decision_records import Head
from arrears.contracts.errors import UpstreamNotReady

CHAMPION = "champion"
CHALLENGER = "challenger"
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
LONGEST_TAG = 5000  # of the 8,000 characters that MLflow keeps

_HEAD_TAG = "arrears.decisions"  # beside the log, not in it: whoever changes the newest entry must change both
_UNREACHABLE = ("failed with exception", "failed with timeout exception")

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def answered(question: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Names MLflow as what is not there, where it stays away for longer than its own client waits.

    That client sends a request again after a lost connection and the statuses 408, 429 and 5xx, seven times within four
    minutes (MLFLOW_HTTP_REQUEST_MAX_RETRIES, MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR).
    """

    @wraps(question)
    def asked(*given: Asked.args, **named: Asked.kwargs) -> Answer:
        from mlflow.exceptions import MlflowException

        try:
            return question(*given, **named)
        except MlflowException as error:
            if any(sign in str(error) for sign in _UNREACHABLE):
                raise UpstreamNotReady(
                    "MLflow does not answer: the champion stays as it is; run again when MLflow is back"
                ) from error
            raise

    return asked


class Registry:
    """Reads and sets the aliases of registered models, and what the registry remembers of their decisions."""

    @answered
    def aliases(self, name: str) -> dict[str, str]:
        """Alias → registry version, of everything that has a name of its own; empty where no model is registered."""
        found = self._registered(name)
        return {} if found is None else {alias: str(version) for alias, version in found.aliases.items()}

    @answered
    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Points an alias to a version."""
        self._client.set_registered_model_alias(name, alias, version)

    @answered
    def drop_alias(self, name: str, alias: str) -> None:
        """Takes an alias away."""
        self._client.delete_registered_model_alias(name, alias)

    @answered
    def newest_decision(self, name: str) -> Head:
        """What the registry remembers of the model's log of decisions."""
        found = self._registered(name)
        return Head.from_text(None if found is None else found.tags.get(_HEAD_TAG))

    @answered
    def remember_decision(self, name: str, head: Head) -> None:
        """Keeps the newest entry's number and digest beside the model, and the digest of the one to come."""
        self._client.set_registered_model_tag(name, _HEAD_TAG, head.to_text())

    @answered
    def decided_models(self) -> list[str]:
        """Names of the registered models about which something was decided."""
        names, token = [], None
        while True:
            page = self._client.search_registered_models(page_token=token)
            names += [str(model.name) for model in page if _HEAD_TAG in model.tags]
            token = page.token
            if not token:
                return sorted(names)

    @answered
    def tag_version(self, name: str, version: str, tag: str, text: str) -> None:
        """Sets a tag of one registry version."""
        self._client.set_model_version_tag(name, version, tag, text)

    def _registered(self, name: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code in ABSENT:
                return None
            raise

    @cached_property
    def _client(self) -> Any:
        import mlflow

        return mlflow.MlflowClient()
