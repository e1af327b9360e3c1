"""The names in MLflow's registry that say which version serves, which may come next, and which have served.

Aliases: ``champion`` serves, ``challenger`` may come next, ``archived-1``, ``archived-2``, … are the champions of
earlier reigns in their order. MLflow has no compare-and-swap for them: whoever changes one holds the model's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, wraps
from typing import Any, ParamSpec, TypeVar

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.promotion_log import Head

CHAMPION = "champion"
CHALLENGER = "challenger"
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
LONGEST_TAG = 5000  # of the 8,000 characters that MLflow keeps

# Beside the log, not in it: whoever changes an entry must change both. One tag an entry, whose value is its digest, so
# that a writer that wakes up late adds to what is remembered and replaces nothing of it.
_KEPT, _ANNOUNCED = "arrears.decision.kept.", "arrears.decision.announced."
_OLD_HEAD = "arrears.decisions"  # of earlier versions: number, digest and announced digest in one line
_UNREACHABLE = ("failed with exception", "failed with timeout exception")

P = ParamSpec("P")
R = TypeVar("R")


def translate_outages(call: Callable[P, R]) -> Callable[P, R]:
    """Turns an outage of MLflow that outlasts its own client's retries into `UpstreamNotReady` (docs/adr/0034).

    That client sends a request again after a lost connection and the statuses 408, 429 and 5xx, seven times within four
    minutes (MLFLOW_HTTP_REQUEST_MAX_RETRIES, MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR).
    """

    @wraps(call)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        from mlflow.exceptions import MlflowException

        try:
            return call(*args, **kwargs)
        except MlflowException as error:
            if any(sign in str(error) for sign in _UNREACHABLE):
                raise UpstreamNotReady(
                    "MLflow does not answer: the champion stays as it is; run again when MLflow is back"
                ) from error
            raise

    return translated


class Registry:
    """Reads and sets the aliases of registered models, and what the registry remembers of their decisions."""

    @translate_outages
    def aliases(self, name: str) -> dict[str, str]:
        """Alias → registry version, of everything that has a name of its own. Empty where no model is registered."""
        model = self._registered(name)
        return {} if model is None else {alias: str(version) for alias, version in model.aliases.items()}

    @translate_outages
    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Points an alias to a version."""
        self._client.set_registered_model_alias(name, alias, version)

    @translate_outages
    def drop_alias(self, name: str, alias: str) -> None:
        """Takes an alias away."""
        self._client.delete_registered_model_alias(name, alias)

    @translate_outages
    def newest_promotion(self, name: str) -> Head:
        """What the registry remembers of the model's log of decisions."""
        return remembered(self._promotion_tags(name))

    @translate_outages
    def announce_promotion(self, name: str, head: Head) -> None:
        """Keeps the digest of an entry that is about to be added."""
        self._client.set_registered_model_tag(name, f"{_ANNOUNCED}{head.number:08d}.{head.digest[:16]}", head.digest)

    @translate_outages
    def remember_promotion(self, name: str, head: Head) -> None:
        """Keeps that an entry is there, and forgets what is older."""
        tags = self._promotion_tags(name)
        self._client.set_registered_model_tag(name, f"{_KEPT}{head.number:08d}", head.digest)
        for tag in sorted(tags):
            number = head.number if tag == _OLD_HEAD else int(tag.removeprefix(_KEPT).removeprefix(_ANNOUNCED)[:8])
            if number < head.number or (number == head.number and not tag.startswith(_KEPT)):
                self._client.delete_registered_model_tag(name, tag)

    @translate_outages
    def models_with_promotions(self) -> list[str]:
        """Names of the registered models about which something was decided."""
        names, token = [], None
        while True:
            page = self._client.search_registered_models(page_token=token)
            names += [str(model.name) for model in page if any(map(_is_of_promotions, model.tags))]
            token = page.token
            if not token:
                return sorted(names)

    @translate_outages
    def tag_version(self, name: str, version: str, tag: str, text: str) -> None:
        """Sets a tag of one registry version."""
        self._client.set_model_version_tag(name, version, tag, text)

    def _promotion_tags(self, name: str) -> dict[str, str]:
        model = self._registered(name)
        return {} if model is None else {tag: text for tag, text in model.tags.items() if _is_of_promotions(tag)}

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


def remembered(tags: Mapping[str, str]) -> Head:
    """What the registry's tags say of a log of decisions.

    Raises:
        BadConfiguration: a tag is damaged.
    """
    old = _old_head(tags[_OLD_HEAD]) if tags.get(_OLD_HEAD) else Head()
    digests = {old.number: old.digest}
    for tag in sorted(tag for tag in tags if tag.startswith(_KEPT)):
        if not (number := tag.removeprefix(_KEPT)).isdecimal():
            raise BadConfiguration(f"the registry's record of the newest decision is damaged: {tag!r}")
        digests[int(number)] = tags[tag]
    announced = {digest for tag, digest in tags.items() if tag.startswith(_ANNOUNCED)}
    return Head(max(digests), digests[max(digests)], old.announced | announced)


def _old_head(text: str) -> Head:
    number, *digests = text.split(" ")
    if not (number.isdecimal() and all(digests) and len(digests) in (1, 2)):
        raise BadConfiguration(f"the registry's record of the newest decision is damaged: {text!r}")
    return Head(int(number), digests[0], frozenset(digests[1:]))


def _is_of_promotions(tag: str) -> bool:
    return tag == _OLD_HEAD or tag.startswith((_KEPT, _ANNOUNCED))
