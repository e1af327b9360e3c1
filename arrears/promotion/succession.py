"""A registered model while its lock is held: what was decided about it so far, who is champion, and who follows.

The log of decisions comes first and the aliases follow from it. A job that is killed between the two leaves the earlier
champion serving. Whoever takes the lock next finishes what the log says. The lock spares work alone: an entry is made
by a conditional create, so that of two who hold the lock, as one of them fell asleep, one is refused.

See docs/adr/0032.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from arrears.contracts.addresses import registered_model
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import ProposeModelConfig, RollbackModelConfig
from arrears.contracts.promotion_log import REIGN_BEGINS, Chain, PromotionRecord, reigns
from arrears.stores.locks import Lock, held_lock
from arrears.stores.model_registry import CHALLENGER, CHAMPION, Registry
from arrears.stores.objects import Objects
from arrears.stores.promotion_records import PromotionRecords

log = logging.getLogger(__name__)

LOCK_WAIT_SECONDS = 90.0  # long enough to see that a holder is silent


@contextmanager
def succession(
    config: ProposeModelConfig | RollbackModelConfig, objects: Objects, *, changed_by_hand: bool = False
) -> Iterator[Succession]:
    """Takes the lock of the data set's model, proves its log, and finishes what an interrupted job began.

    Args:
        changed_by_hand: accepts a champion that nobody decided on, for a rollback that puts this right.

    Raises:
        Contended: another job decides about the same model.
        BadConfiguration: the log is broken, or the champion was changed by hand.
    """
    name, addresses, registry = registered_model(config.dataset, config.task), config.addresses, Registry()
    with held_lock(objects, addresses.lock(f"model-{name}"), wait_seconds=LOCK_WAIT_SECONDS) as lock:
        promotions = PromotionRecords(objects, addresses.promotions(name))
        chain = promotions.present(lambda: registry.newest_promotion(name))
        current = Succession(name, registry, promotions, lock, chain)
        current.finish_what_was_begun(changed_by_hand=changed_by_hand)
        yield current


class Succession:
    """The decisions about one model and the aliases that follow from them, in the hands of the holder of its lock."""

    def __init__(self, name: str, registry: Registry, promotions: PromotionRecords, lock: Lock, chain: Chain) -> None:
        self.name = name
        self._registry, self._promotions, self._lock, self._chain = registry, promotions, lock, chain

    @property
    def records(self) -> tuple[PromotionRecord, ...]:
        """Every decision so far, oldest first."""
        return self._chain.records

    @property
    def champion(self) -> str | None:
        """The registry version that serves now. None: there is none yet."""
        return self._registry.aliases(self.name).get(CHAMPION)

    def record(self, record: PromotionRecord) -> None:
        """Adds a decision to the log, unless it says what the same run has said before (a rerun).

        A decision by which a reign begins is always added. `crown_the_latest` makes it count.
        """
        if record.kind not in REIGN_BEGINS and any(record.says_the_same_as(earlier) for earlier in self.records):
            return
        longer = self._promotions.following(self._chain, record)
        # First of all: whoever can write to the log alone can then add nothing to it.
        self._lock.check()
        self._registry.announce_promotion(self.name, longer.head)
        self._promotions.add(longer)
        self._chain = longer
        self._registry.remember_promotion(self.name, longer.head)

    def challenge(self, version: str) -> None:
        """Names a version as the one that may come next."""
        self._registry.set_alias(self.name, CHALLENGER, version)

    def stand_down(self, version: str) -> None:
        """Takes that name from a version, if it has it."""
        if self._registry.aliases(self.name).get(CHALLENGER) == version:
            self._registry.drop_alias(self.name, CHALLENGER)

    def tag(self, version: str, decision: str) -> None:
        """Keeps with a version what became of it."""
        self._registry.tag_version(self.name, version, "decision", decision)

    def finish_what_was_begun(self, *, changed_by_hand: bool) -> None:
        """Lets the registry follow the log, where a job was killed after it had written its decision.

        Raises:
            BadConfiguration: the champion is neither that of the log nor the one before: it was changed by hand.
        """
        if self._chain.head.number > self._registry.newest_promotion(self.name).number:
            self._registry.remember_promotion(self.name, self._chain.head)
        begun = [record for record in self.records if record.kind in REIGN_BEGINS]
        if not begun:
            return
        latest, present = begun[-1], self.champion or ""
        if present in (latest.version, latest.champion_before):
            if present != latest.version:
                log.warning("version %s was decided on and not made champion: doing it now", latest.version)
            self.crown_the_latest()
            return
        problem = (
            f"{self.name}'s champion is version {present or 'none'} while the log of decisions says version"
            f" {latest.version}: it was changed by hand"
        )
        if not changed_by_hand:
            raise BadConfiguration(f"{problem}; run rollback to the version that shall serve, with the reason")
        log.warning("%s", problem)

    def crown_the_latest(self) -> None:
        """Sets the aliases that follow from the log: ``archived-N`` of the earlier reigns, then ``champion``."""
        self._set_aliases()
        while self._promotions.length() > len(self.records):  # this job slept while another decided: its word counts
            self._chain = self._promotions.present(lambda: self._registry.newest_promotion(self.name))
            self._set_aliases()

    def _set_aliases(self) -> None:
        aliases = self._registry.aliases(self.name)
        *earlier, latest = reigns(self.records)
        for number, version in enumerate(earlier, start=1):
            if f"archived-{number}" not in aliases:
                self._registry.set_alias(self.name, f"archived-{number}", version)
        if aliases.get(CHAMPION) != latest:
            self._registry.set_alias(self.name, CHAMPION, latest)
        self.stand_down(latest)
