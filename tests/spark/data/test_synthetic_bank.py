"""The synthetic bank is what it says: same rows anywhere, labels in the history, a known best AUC, no leak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from arrears.contracts.job_configs.jobs import GenerateBankConfig
from arrears.model import synthetic_risk as process
from arrears.stores.bank_files import shipped_bank
from spark_jobs.transforms.synthetic.synthetic_bank import (
    customer_count,
    to_credit_history,
    to_customers,
    to_loans,
    to_outcomes,
)

LOANS = 4000


def a_config(**given: Any) -> GenerateBankConfig:
    return GenerateBankConfig(**{"as_of": "2026-06-30", "loans": LOANS, "default_rate": 0.08} | given)


def tables(spark: SparkSession, config: GenerateBankConfig, partitions: int = 2) -> dict[str, DataFrame]:
    ids = spark.range(1, config.loans + 1, numPartitions=partitions)
    customers = spark.range(1, customer_count(config.loans) + 1, numPartitions=partitions)
    return {
        "loans": to_loans(ids, config),
        "customers": to_customers(customers, config),
        "credit_history": to_credit_history(ids, config),
    }


def digest(rows: DataFrame) -> tuple[int, int]:
    hashed = F.xxhash64(*(F.coalesce(F.col(c).cast("string"), F.lit("none")) for c in rows.columns))
    found = rows.agg(F.count("*"), F.sum(hashed.cast("decimal(20,0)"))).collect()[0]
    return found[0], int(found[1])


@dataclass(frozen=True)
class Bank:
    """The tables of one bank in pandas, with the hidden truth."""

    loans: pd.DataFrame
    customers: pd.DataFrame
    history: pd.DataFrame
    outcomes: pd.DataFrame

    @property
    def dated_history(self) -> pd.DataFrame:
        dated = self.history.merge(self.loans[["loan_id", "decided_on"]], on="loan_id")
        for column in ("month_on", "arrived_on", "decided_on"):
            dated[column] = pd.to_datetime(dated[column])
        return dated


@pytest.fixture(scope="module")
def bank(spark_session: SparkSession) -> Bank:
    made = {name: rows.toPandas() for name, rows in tables(spark_session, a_config()).items()}
    outcomes = to_outcomes(spark_session.range(1, LOANS + 1), a_config()).toPandas()
    return Bank(made["loans"], made["customers"], made["credit_history"], outcomes)


def test_the_tables_are_the_same_on_any_number_of_partitions(spark: SparkSession) -> None:
    config = a_config(loans=100)
    on_one, on_three, on_seven = (
        {name: digest(rows) for name, rows in tables(spark, config, partitions).items()} for partitions in (1, 3, 7)
    )

    assert on_one == on_three == on_seven
    assert {name: count for name, (count, _) in on_one.items()} == {
        "loans": 100, "customers": 80, "credit_history": 2400
    }  # fmt: skip


def test_no_table_needs_a_shuffle(spark: SparkSession) -> None:
    for rows in tables(spark, a_config()).values():
        plan = rows._jdf.queryExecution().executedPlan().toString()
        assert "Exchange" not in plan
        assert "Join" not in plan


def test_another_seed_gives_other_tables_and_more_loans_change_none(spark: SparkSession, bank: Bank) -> None:
    few = to_credit_history(spark.range(1, 4), a_config(loans=100)).toPandas()
    others = to_credit_history(spark.range(1, 4), a_config(loans=100, seed=1)).toPandas()

    pd.testing.assert_frame_equal(few, bank.history[bank.history.loan_id <= 3].reset_index(drop=True))
    assert not few.balance_amount.equals(others.balance_amount)


def test_the_tables_keep_the_contracts_of_the_shipped_description(spark: SparkSession, bank: Bank) -> None:
    contracts = shipped_bank("synthetic_bank").tables
    given = {"loans": bank.loans, "customers": bank.customers, "credit_history": bank.history}
    for name, rows in tables(spark, a_config()).items():
        assert rows.dtypes == [(column.name, column.type) for column in contracts[name].columns]
        assert not given[name].duplicated(list(contracts[name].key)).any()
        for column in contracts[name].columns:
            values = given[name][column.name]
            present = values.dropna()
            assert column.nullable or len(present) == len(values)
            assert not column.allowed or set(present) == set(column.allowed)
            if column.type == "date":
                present = present.astype(str)
            assert column.minimum is None or present.min() >= column.minimum
            assert column.maximum is None or present.max() <= column.maximum


def test_the_label_told_by_the_history_is_that_of_the_process(bank: Bank) -> None:
    label = shipped_bank("synthetic_bank").label
    dated = bank.dated_history
    until = dated.decided_on + pd.DateOffset(months=label.window_months)
    is_bad = (dated[label.days_past_due] >= label.at_least) & (dated.month_on > dated.decided_on)
    told = (is_bad & (dated.month_on <= until)).groupby(dated.loan_id).any()

    assert told.tolist() == bank.outcomes.sort_values("loan_id").is_default.tolist()
    assert not (dated[dated.month_on <= dated.decided_on].days_past_due >= label.at_least).any()


@pytest.mark.parametrize("months", [6, 7])
def test_a_short_history_still_tells_the_label(spark: SparkSession, months: int) -> None:
    config = a_config(loans=300, history_months=months, default_rate=0.3)
    history = to_credit_history(spark.range(1, 301), config).toPandas()
    outcomes = to_outcomes(spark.range(1, 301), config).toPandas()

    worst = history.groupby("loan_id").days_past_due.max()
    assert ((worst >= 90).to_numpy() == outcomes.is_default.to_numpy()).all()
    assert len(history) == 300 * months


def test_each_history_is_without_gaps_half_before_and_half_after_the_decision(bank: Bank) -> None:
    dated = bank.dated_history
    months = dated.month_on.dt.year * 12 + dated.month_on.dt.month
    by_loan = months.groupby(dated.loan_id)

    assert (by_loan.count() == 24).all()
    assert (by_loan.nunique() == 24).all()
    assert (by_loan.max() - by_loan.min() == 23).all()
    assert ((dated.month_on < dated.decided_on).groupby(dated.loan_id).sum() == 12).all()
    assert (dated.month_on.dt.is_month_end).all()


def test_nothing_known_before_a_decision_changes_when_other_loans_default(spark: SparkSession, bank: Bank) -> None:
    other = tables(spark, a_config(default_rate=0.4))
    history = other["credit_history"].toPandas()

    before = (bank.dated_history.month_on <= bank.dated_history.decided_on).to_numpy()
    pd.testing.assert_frame_equal(other["loans"].toPandas(), bank.loans)
    pd.testing.assert_frame_equal(history[before], bank.history[before])
    assert not history[~before].equals(bank.history[~before])


def test_the_tables_hold_what_the_bank_knew_on_the_business_date(spark: SparkSession, bank: Bank) -> None:
    earlier = {name: rows.toPandas() for name, rows in tables(spark, a_config(as_of="2023-06-15")).items()}
    as_of = pd.Timestamp("2023-06-15").date()

    known = bank.loans[bank.loans.decided_on <= as_of]
    arrived = bank.history[(bank.history.arrived_on <= as_of) & bank.history.loan_id.isin(known.loan_id)]
    pd.testing.assert_frame_equal(earlier["loans"], known.reset_index(drop=True))
    pd.testing.assert_frame_equal(earlier["credit_history"], arrived.reset_index(drop=True))
    pd.testing.assert_frame_equal(earlier["customers"], bank.customers)


def test_a_share_of_rows_arrives_up_to_ninety_days_late(bank: Bank) -> None:
    dated = bank.dated_history
    days = (dated.arrived_on - dated.month_on).dt.days

    assert (days > 0).mean() == pytest.approx(0.05, abs=0.004)
    assert (days.min(), days.max()) == (0, 90)


def test_defaults_and_the_auc_of_the_true_risk_are_those_stated(spark: SparkSession) -> None:
    config = a_config(loans=40_000)
    outcomes = to_outcomes(spark.range(1, config.loans + 1), config).select("visible_risk", "is_default").toPandas()
    stated = process.best_auc(process.populations(config), process.default_limit(config))

    assert outcomes.is_default.mean() == pytest.approx(0.08, abs=0.0055)  # four standard errors
    assert roc_auc_score(outcomes.is_default, outcomes.visible_risk) == pytest.approx(stated, abs=0.012)


def test_the_risk_follows_the_stated_weights_before_and_after_the_drift(bank: Bank) -> None:
    months = pd.to_datetime(bank.outcomes.decided_on).dt.month
    risk = bank.outcomes.visible_risk - months.map(process.season_of)
    is_drifted = bank.outcomes.decided_on >= pd.Timestamp("2024-07-01").date()

    for rows, weights in ((~is_drifted, process.WEIGHTS), (is_drifted, process.DRIFTED_WEIGHTS)):
        factors = bank.outcomes.loc[rows, [f"_{factor}" for factor in weights]]
        expected = [0.0, *weights.values()]
        fitted = np.linalg.lstsq(np.column_stack([np.ones(len(factors)), factors]), risk[rows], rcond=None)[0]
        assert fitted == pytest.approx(expected, abs=1e-9)
    assert (is_drifted == bank.outcomes.is_drifted).all()


def test_the_drift_shows_in_the_columns(bank: Bank) -> None:
    loans = bank.loans.dropna()
    is_drifted = loans.decided_on >= pd.Timestamp("2024-07-01").date()
    debts = np.log(loans.debt_amount / loans.income_amount)
    online = loans.channel == "online"

    assert debts[is_drifted].mean() - debts[~is_drifted].mean() == pytest.approx(0.3, abs=0.1)
    assert (online[~is_drifted].mean(), online[is_drifted].mean()) == pytest.approx((0.3, 0.6), abs=0.08)


def test_without_a_drift_date_nothing_drifts(spark: SparkSession) -> None:
    outcomes = to_outcomes(spark.range(1, 200), a_config(drift_from=None))

    assert outcomes.where("is_drifted").isEmpty()


def test_the_columns_reveal_the_risk_that_they_are_said_to_reveal(bank: Bank) -> None:
    before = bank.dated_history
    before = before[before.month_on < before.decided_on].merge(bank.loans[["loan_id", "credit_limit_amount"]])
    sums = before.groupby("loan_id")[["paid_amount", "due_amount"]].sum()
    share = (before.balance_amount / before.credit_limit_amount).groupby(before.loan_id).mean().clip(0.01, 0.99)
    loans = bank.loans.merge(bank.customers, on="customer_id").set_index("loan_id").sort_index()
    columns = pd.DataFrame(
        {
            "income": np.log(loans.income_amount),
            "debts": np.log(loans.debt_amount / loans.income_amount),
            "loan": np.log(loans.loan_amount / loans.income_amount),
            "utilisation": np.log(share / (1 - share)),
            "arrears": -np.log(sums.paid_amount / sums.due_amount),
            "job": np.log(loans.employment_years),
        }
    )
    truth = bank.outcomes.set_index("loan_id")
    whole = columns.notna().all(axis=1) & ~truth.is_drifted
    for factor in columns:
        assert columns[factor][whole].corr(truth[f"_{factor}"][whole], method="spearman") > 0.95, factor
    scaled = StandardScaler().fit_transform(columns[whole])
    fitted = LogisticRegression().fit(scaled, truth.is_default[whole]).decision_function(scaled)
    best = roc_auc_score(truth.is_default[whole], truth.visible_risk[whole])
    assert best - 0.03 < roc_auc_score(truth.is_default[whole], fitted) < best + 0.01


def test_missing_values_hit_their_share(spark: SparkSession, bank: Bank) -> None:
    shares = {
        column: table[column].isna().mean() for table in (bank.loans, bank.customers, bank.history) for column in table
    }
    missing = {column for column, share in shares.items() if share > 0}

    assert missing == {"income_amount", "region", "employment_years", "credit_score"}
    assert [shares[column] for column in missing] == pytest.approx([0.04] * 4, abs=0.013)
    whole = tables(spark, a_config(loans=100, missing_share=0.0))
    assert all(len(rows.dropna().toPandas()) == rows.count() for rows in whole.values())


def test_gender_tells_a_little_of_income(bank: Bank) -> None:
    loans = bank.loans.merge(bank.customers, on="customer_id").dropna()

    assert 0.1 < np.corrcoef(np.log(loans.income_amount), loans.gender == "male")[0, 1] < 0.3


def test_amounts_and_defaults_have_seasons(bank: Bank) -> None:
    dated = bank.dated_history
    quiet = dated[dated.days_past_due == 0]
    month = quiet.month_on.dt.month
    paid = (quiet.paid_amount / quiet.due_amount).groupby(month).mean()
    cells = process.populations(a_config(drift_from=None))
    limit = process.default_limit(a_config(drift_from=None))
    rates = {cell.month.month: cell.default_rate(limit) for cell in cells}

    assert paid[7] - paid[1] == pytest.approx(0.08, abs=0.02)
    assert rates[11] > 1.5 * rates[5]


def test_customers_have_one_to_three_loans_opened_after_they_came(bank: Bank) -> None:
    loans = bank.loans.merge(bank.customers, on="customer_id", validate="many_to_one")
    counts = bank.loans.customer_id.value_counts()

    assert len(loans) == LOANS
    assert len(bank.customers) == 0.8 * LOANS == bank.customers.customer_id.nunique()
    assert sorted(counts.unique()) == [1, 2, 3]
    assert set(counts.index) == set(bank.customers.customer_id)
    assert (loans.opened_on > loans.customer_since).all()
    assert ((loans.customer_since - loans.birth_on).map(lambda age: age.days) >= 6570).all()
    assert (pd.to_datetime(loans.decided_on) >= pd.to_datetime(loans.opened_on) + pd.DateOffset(months=12)).all()


@pytest.mark.parametrize(("loans", "customers"), [(1, 1), (13, 13), (15, 14), (20, 16), (21, 17), (1_000_000, 800_000)])
def test_customers_are_counted_without_making_them(loans: int, customers: int) -> None:
    assert customer_count(loans) == customers
