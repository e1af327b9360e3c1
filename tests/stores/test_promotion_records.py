"""The log of decisions on a real S3 server: one writer wins, the other is told, and the chain stays whole."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadConfiguration, Contended
from arrears.contracts.promotion_log import Chain, Head, PromotionRecord
from arrears.stores.model_registry import Registry
from arrears.stores.objects import Objects
from arrears.stores.promotion_records import PromotionRecords
from tests.jobs.models.model_world import local_registry
from tests.jobs.promotion.registry_world import BETTER, DATASET, GOOD, MODEL, VERSION, describe, measured

PROMOTER = Path(__file__).with_name("promote_one.py")


def a_record(version: str = "1") -> PromotionRecord:
    return PromotionRecord(
        kind="promoted", model=MODEL, version=version, champion_before="", request="r", who="the gate", why="é"
    )


def added(log: PromotionRecords, chain: Chain, record: PromotionRecord) -> Chain:
    longer = log.following(chain, record)
    log.add(longer)
    return longer


def test_log_is_read_back_whole_and_dated(s3: Objects, folder: str) -> None:
    log = PromotionRecords(s3, folder)
    chain = added(log, added(log, log.chain(Head()), a_record("1")), a_record("2"))
    assert log.chain(chain.head) == chain
    assert [record.version for record in chain.records] == ["1", "2"]
    assert all(record.at.endswith("+00:00") for record in chain.records)


def test_of_many_writers_after_the_same_entry_one_wins(s3: Objects, folder: str) -> None:
    log = PromotionRecords(s3, folder)
    before = added(log, Chain(), a_record())

    def write(number: int) -> Chain | None:
        try:
            return added(log, before, a_record(str(number)))
        except Contended:
            return None

    with ThreadPoolExecutor(8) as pool:
        won = [chain for chain in pool.map(write, range(8)) if chain is not None]
    assert len(won) == 1
    assert log.chain(won[0].head) == won[0]


def test_put_whose_answer_was_lost_finds_its_own_entry(
    s3: Objects, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Objects.create

    def sent_twice(objects: Objects, uri: str, body: bytes) -> bool:
        create(objects, uri, body)
        return create(objects, uri, body)

    monkeypatch.setattr(Objects, "create", sent_twice)
    log = PromotionRecords(s3, folder)
    chain = added(log, Chain(), a_record())
    assert log.chain(chain.head) == chain


def test_two_trainings_at_once_make_one_champion(s3: Objects, folder: str, tmp_path: Path) -> None:
    with local_registry(tmp_path):
        describe(folder)
        runs = [measured(GOOD), measured(BETTER)]
        environ = {**os.environ, "PYTHONPATH": str(PROMOTER.parents[2])}
        promoters = [
            subprocess.Popen(
                [sys.executable, str(PROMOTER), folder, DATASET, VERSION, run_id],
                env=environ,
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                text=True,
            )
            for run_id in runs
        ]
        told = [promoter.communicate(timeout=150)[0] for promoter in promoters]
        codes = [promoter.returncode for promoter in promoters]
        registry = Registry()
        chain = PromotionRecords(s3, Addresses(folder).promotions(MODEL)).chain(registry.newest_promotion(MODEL))
        champion = registry.aliases(MODEL)["champion"]
    assert sorted(codes) == [0, BadConfiguration.exit_code], told
    assert told[codes.index(0)].splitlines()[-1] == "promoted"
    assert "run training again, so that the two are compared" in told[1 - codes.index(0)]
    assert [(record.kind, record.version) for record in chain.records] == [("promoted", champion)]
    assert chain.records[0].mlflow_run_id == runs[codes.index(0)]
