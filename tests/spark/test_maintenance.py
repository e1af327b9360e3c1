"""Care of a table is a write like any other: it waits for the table's lock and leaves the rows as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.catalogue import Catalogue
from arrears.contracts.errors import Contended
from arrears.contracts.jobs import MaintainTablesConfig
from arrears.stores.locks import held_lock
from arrears.stores.objects import Objects
from spark_jobs.io import maintenance
from spark_jobs.io.source_tables import overwrite_source_table
from spark_jobs.io.tables import table_version
from spark_jobs.jobs import maintain_tables


def test_a_table_is_cared_for_only_while_nobody_else_holds_its_lock(
    delta_spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "LOCK_WAIT_SECONDS", 0.0)
    catalogue = Catalogue(tmp_path.as_uri())
    for rows in (3, 5):
        overwrite_source_table(delta_spark.range(rows), catalogue, "bank", "people")
    uri = catalogue.source_table("bank", "people")
    config = MaintainTablesConfig(root=tmp_path.as_uri(), dataset="bank")

    with held_lock(Objects(), catalogue.lock("sources-bank-people")):
        with pytest.raises(Contended, match="is held by another writer"):
            maintain_tables.run(delta_spark, config)
        assert table_version(uri) == 1

    assert maintain_tables.run(delta_spark, config).figures["tables"] == 1
    assert table_version(uri) == 3
    assert delta_spark.read.format("delta").load(uri).count() == 5
    assert delta_spark.read.format("delta").option("versionAsOf", 0).load(uri).count() == 3
