"""AUC on real borrowers beside native CatBoost's on the same folds, as the README of the data states it.

The protocol is the data folder's: five stratified folds of seed 42, CatBoost's defaults (1000 trees), categories as
they come, no tuning and no early stopping. ``ARREARS_TEST_DATA`` names the folder.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from arrears.contracts.tables.column_names import LABEL
from arrears.scoring.batch import default_probabilities
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from bench.bench_session import local_session
from bench.results import Measurement
from spark_jobs.engines.catboost import engine as engine
from spark_jobs.engines.interface import TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, Snapshot
from spark_jobs.io.snapshots import read_slices

TREES = int(os.environ.get("ARREARS_BENCH_TREES", "1000"))
SHARDS = 4
_AT_APPLICATION = (
    *("loan_amnt", "term", "int_rate", "installment", "grade", "sub_grade", "emp_length", "home_ownership"),
    *("annual_inc", "verification_status", "purpose", "addr_state", "dti", "delinq_2yrs", "fico_range_low"),
    *("inq_last_6mths", "mths_since_last_delinq", "mths_since_last_record", "open_acc", "pub_rec", "revol_bal"),
    *("revol_util", "total_acc", "pub_rec_bankruptcies", "tax_liens", "acc_now_delinq"),
)


@dataclass(frozen=True)
class RealSet:
    """One table of real borrowers, its label, and native CatBoost's mean AUC in the data folder's README."""

    reference: float
    read: Callable[[Path], tuple[pd.DataFrame, pd.Series]]
    is_sharded: bool = False


def _taiwan(folder: Path) -> tuple[pd.DataFrame, pd.Series]:
    loans = pd.read_parquet(folder / "taiwan_default.parquet")
    label = "default payment next month"
    return loans.drop(columns=["ID", label]), loans[label]


def _lending_club(folder: Path) -> tuple[pd.DataFrame, pd.Series]:
    """What is known at application, of the loans within the credit policy."""
    loans = pd.read_parquet(folder / "lending_club_2007_2011.parquet")
    loans = loans[loans["loan_status"].isin(["Fully Paid", "Charged Off"])]
    age = (loans["issue_d"] - loans["earliest_cr_line"]).dt.days / 30.44
    return loans[list(_AT_APPLICATION)].assign(credit_age_m=age), loans["default_flag"]


def _berka(folder: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Loans of a Czech bank with their account, its owner and the owner's district, all as known at the loan's date."""
    loans, accounts, clients, links, districts, cards = (
        pd.read_parquet(folder / f"berka_{name}.parquet")
        for name in ("loan", "account", "client", "disp", "district", "card")
    )
    owners = links[links["type"] == "OWNER"].merge(clients, on="client_id")
    born, month = owners["birth_number"] // 10_000, owners["birth_number"] // 100 % 100
    owners = owners.assign(female=(month > 50).astype(int), born=1900 + born)[
        ["account_id", "disp_id", "female", "born"]
    ]
    issued = cards.assign(issued=_day(cards["issued"]))[["disp_id", "issued"]]
    joined = (
        loans.merge(accounts.rename(columns={"date": "opened"}), on="account_id")
        .merge(owners, on="account_id")
        .merge(issued, on="disp_id", how="left")
    )
    granted_on = _day(joined["date"])
    joined = joined.assign(
        account_age=(granted_on - _day(joined["opened"])).dt.days,
        female=joined.pop("female"),
        holders=joined["account_id"].map(links.groupby("account_id").size()),
        age=granted_on.dt.year - joined["born"],
        has_card=(joined["issued"] < granted_on).astype(int),
    ).merge(districts.rename(columns={"A1": "district_id"}).drop(columns="A2"), on="district_id")
    unknown = ["loan_id", "account_id", "disp_id", "district_id", "date", "opened", "born", "issued", "status"]
    return joined.drop(columns=unknown), joined["status"].isin(["B", "D"])


def _day(yymmdd: pd.Series) -> pd.Series:
    return pd.to_datetime("19" + yymmdd.astype(str).str.zfill(6).str[:6], format="%Y%m%d")


def _plain(file: str, target: str, bad: object, folder: Path) -> tuple[pd.DataFrame, pd.Series]:
    loans = pd.read_parquet(folder / file)
    return loans.drop(columns=target), loans[target] == bad


SETS = {
    "berka": RealSet(0.6951, _berka),
    "german": RealSet(0.7895, partial(_plain, "german_credit.parquet", "class", 2)),
    "credit_data": RealSet(0.8459, partial(_plain, "credit_data_spain.parquet", "Status", "bad")),
    "lc_modeldata": RealSet(0.7280, partial(_plain, "lending_club_modeldata.parquet", "Class", "bad")),
    "taiwan": RealSet(0.7814, _taiwan, is_sharded=True),
    "lc2007": RealSet(0.7031, _lending_club, is_sharded=True),
}


def quality(name: str, shards: int = 1) -> Measurement:
    """Mean AUC of five folds less the reference."""
    real = SETS[name]
    loans, label = real.read(Path(os.environ["ARREARS_TEST_DATA"]))
    aucs = _fold_aucs(loans.reset_index(drop=True), label.astype(int).to_numpy(), shards)
    mean = statistics.mean(aucs)
    goal = -0.002 if shards == 1 else -0.005
    detail = {
        "rows": f"{len(loans):,}",
        "features": loans.shape[1],
        "trees": TREES,
        "AUC": f"{mean:.4f} ± {statistics.stdev(aucs):.4f}",
        "reference": f"{real.reference:.4f}",
    }
    suffix = "" if shards == 1 else f"-{shards}-shards"
    return Measurement(f"quality-{name}{suffix}", mean - real.reference, goal, "higher", "AUC", detail)


BENCHMARKS: dict[str, Callable[[], Measurement]] = {
    **{f"quality-{name}": partial(quality, name) for name in SETS},
    **{f"quality-{name}-{SHARDS}-shards": partial(quality, name, SHARDS) for name, s in SETS.items() if s.is_sharded},
}


def _fold_aucs(loans: pd.DataFrame, label: npt.NDArray[np.int64], shards: int) -> list[float]:
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    words = tuple(loans.select_dtypes(exclude="number").columns)
    numbers = tuple(name for name in loans if name not in words)
    levels = {name: loans[name].astype(object).where(loans[name].notna(), None).map(_text) for name in words}
    rows = loans.assign(**levels).astype(dict.fromkeys(numbers, "float64"))
    table = pa.Table.from_pandas(rows, preserve_index=False)
    spec = TrainingSpec(LABEL, numbers, words, TREES, 6, 50, 42, 2, shards)
    document = ModelDocument("bench", "", "catboost", numbers, words)
    aucs = []
    with tempfile.TemporaryDirectory(prefix="arrears-quality-") as folder, local_session("quality", folder) as spark:
        for number, (train, test) in enumerate(
            StratifiedKFold(5, shuffle=True, random_state=42).split(np.empty(len(label)), label)
        ):
            model = _model(spark, table.take(train), label[train], spec, Path(folder, f"fold-{number}"))
            scores = default_probabilities(table.take(test), load_scorer("catboost", model), document)
            aucs.append(float(roc_auc_score(label[test], scores)))
    return aucs


def _model(
    spark: SparkSession, rows: pa.Table, label: npt.NDArray[np.int64], spec: TrainingSpec, folder: Path
) -> bytes:
    """Trains on a fold's rows, assigned to shards in turn within each class, at random."""
    folder.mkdir()
    order = np.arange(len(label))
    labelled = rows.append_column(LABEL, pa.array(label.astype(np.int32))).append_column("row_order", pa.array(order))
    shard = np.empty(len(label), dtype=np.int64)
    for outcome in np.unique(label):
        of_class = np.random.default_rng(42).permutation(order[label == outcome])
        shard[of_class] = np.arange(len(of_class)) % spec.shards
    slices = []
    for number in range(spec.shards):
        path = folder / f"{number}.parquet"
        of_shard = labelled.filter(pa.array(shard == number))
        pq.write_table(of_shard, path, row_group_size=len(of_shard))
        slices.append(FileSlice(path.as_uri(), 0, len(of_shard), number))
    snapshot = Snapshot(tuple(slices), len(label), folder.name, "row_order")
    return engine.fit(spark, snapshot, spec, read_slices).model


def _text(value: object) -> str | None:
    return None if value is None else str(value)
