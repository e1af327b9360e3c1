"""The real Berka tables, joined by their description alone, against the same joins in pandas."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Addresses, Table
from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import GenerateDataConfig
from spark_jobs.io.source_tables import overwrite_source_table
from spark_jobs.io.tables import read_partition
from spark_jobs.jobs import generate_data
from tests.spark.loans import real

DESCRIPTION = Path(__file__).resolve().parents[2] / "data" / "berka.yaml"
TABLES = ("loan", "account", "disp", "client", "district")


def tables() -> dict[str, pd.DataFrame]:
    """The tables with their numbers like 930705 as dates, and of women's birth numbers the 50 taken off the month."""
    read = {name: pd.read_parquet(real(f"berka_{name}")) for name in TABLES}
    unemployment = read["district"]["A12"]  # of one district it is missing, for which pandas has NaN

    def day(numbers: pd.Series) -> pd.Series:
        return pd.to_datetime("19" + numbers.astype(str).str.zfill(6), format="%Y%m%d").dt.date

    born = read["client"]["birth_number"]
    is_woman = born // 100 % 100 > 50
    return {
        "loan": read["loan"].assign(granted_on=day(read["loan"]["date"])).drop(columns="date"),
        "account": read["account"].assign(opened_on=day(read["account"]["date"])).drop(columns="date"),
        "disp": read["disp"],
        "client": pd.DataFrame(
            {
                "client_id": read["client"]["client_id"],
                "born_on": day(born.where(~is_woman, born - 5000)),
                "sex": is_woman.map({True: "woman", False: "man"}),
            }
        ),
        "district": read["district"][["A1", "A3", "A11"]].assign(
            A12=unemployment.astype(object).where(unemployment.notna(), None)
        ),
    }


def test_real_tables_are_joined_over_four_steps_as_pandas_joins_them(delta_spark: SparkSession, tmp_path: Path) -> None:
    root, given = tmp_path.as_uri(), tables()
    for name, rows in given.items():
        overwrite_source_table(delta_spark.createDataFrame(rows), Addresses(root), "berka", name)
    config = GenerateDataConfig(
        root=root, dataset="berka", source="bank", description=str(DESCRIPTION), as_of="1999-01-01", split="grouped"
    )

    made = generate_data.run(delta_spark, config)

    version = made.values["dataset_version"]
    sides = [
        read_partition(delta_spark, Addresses(root).table(table, "berka"), {"dataset_version": version}, what="")
        for table in (Table.TRAIN, Table.TEST)
    ]
    found = pd.concat([side.toPandas() for side in sides]).set_index("borrower_id").sort_index()
    owners = given["disp"].query("type == 'OWNER'")
    wanted = (
        given["loan"].merge(given["account"], on="account_id").merge(owners, on="account_id")
        .merge(given["client"], on="client_id").merge(given["district"], left_on="district_id", right_on="A1")
    )  # fmt: skip
    wanted = wanted.set_index(wanted["loan_id"].astype(str)).sort_index()
    assert list(found.index) == list(wanted.index)
    assert len(found) == 682
    assert (found["is_default"] == wanted["status"].isin(["B", "D"])).all()
    for column in ("amount", "frequency", "A3", "A11", "sex"):
        assert (found[column] == wanted[column]).all(), column
    assert found["payment_to_salary"].to_numpy() == pytest.approx((wanted["payments"] / wanted["A11"]).to_numpy())
    account_days = pd.to_datetime(wanted["granted_on"]) - pd.to_datetime(wanted["opened_on"])
    assert (found["account_days"] == account_days.dt.days).all()

    # Without the condition each account's second user would double its loan.
    doubling = DESCRIPTION.read_text().replace(", where: {type: OWNER}", "")
    (tmp_path / "doubling.yaml").write_text(doubling)
    with pytest.raises(BadInput, match="join with disp: 869 values of account_id stand in several of its rows"):
        generate_data.run(
            delta_spark,
            GenerateDataConfig(
                root=root,
                dataset="berka",
                source="bank",
                description=str(tmp_path / "doubling.yaml"),
                as_of="1999-01-01",
            ),
        )
