"""The log of decisions about a registered model: one object an entry, added by conditional PUT, never replaced."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PurePosixPath

from arrears.contracts.errors import BadConfiguration, Contended
from arrears.contracts.promotion_log import Chain, Head, PromotionRecord, entry_name, proven
from arrears.stores.objects import Objects


class PromotionRecords:
    """Reads and extends the log of one model. Whoever extends it holds the model's lock."""

    def __init__(self, objects: Objects, folder: str) -> None:
        self._objects, self._folder = objects, folder

    def chain(self, remembered: Head) -> Chain:
        """Every entry, proven against each other and against what the registry remembers.

        Raises:
            BadConfiguration: the chain is broken. Names the entries.
        """
        items = self._objects.list(self._folder)
        entries = {item.uri.removeprefix(f"{self._folder}/"): self._objects.get(item.uri) for item in items}
        return proven(entries, remembered, where=self._folder)

    def present(self, remembered: Callable[[], Head]) -> Chain:
        """The chain as it is now, while others may be adding to it.

        Args:
            remembered: asks the registry. It is asked again where it has changed while the entries were read.

        Raises:
            BadConfiguration: the chain is broken. Names the entries.
        """
        known = remembered()
        while True:
            try:
                return self.chain(known)
            except BadConfiguration:
                before, known = known, remembered()
                if known == before:
                    raise

    def length(self) -> int:
        """How many entries are there, as far as their names tell."""
        return len(self._objects.list(self._folder))

    def following(self, chain: Chain, record: PromotionRecord) -> Chain:
        """The chain with the next entry, dated now. Nothing is written yet."""
        return chain.followed_by(dataclasses.replace(record, at=datetime.now(UTC).isoformat(timespec="seconds")))

    def add(self, longer: Chain) -> None:
        """Writes the newest entry of a chain, which the registry knows of already.

        Raises:
            Contended: another writer has added an entry of this number.
        """
        uri, body = f"{self._folder}/{entry_name(longer.head.number)}", longer.records[-1].to_json()
        # A PUT whose answer was lost is sent again and finds its own entry there.
        if not self._objects.create(uri, body) and self._objects.get(uri) != body:
            raise Contended(f"another writer has added the decision {PurePosixPath(uri).name}; run again")
