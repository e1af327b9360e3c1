"""A small bank as YAML, and what a change of its text makes of it."""

from __future__ import annotations

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.banks import BankDescription
from arrears.stores.bank_files import parse_bank

LINE = "{meaning: What it is., type: numeric, unit: EUR, source: loans, owner: Risk}"
SMALL = f"""
name: small
decisions: loans
id: loan_id
customer: customer_id
decided_at: decided_on
label: {{table: history, days_past_due: days}}
tables:
  loans:
    key: [loan_id]
    event_time: decided_on
    columns:
      loan_id: {{type: string, nullable: false}}
      customer_id: {{type: string, nullable: false}}
      decided_on: {{type: date, minimum: 2020-01-01}}
      amount: {{type: double, minimum: 0}}
  people:
    key: [number]
    columns:
      number: {{type: string}}
      gender: {{type: string, protected: true, allowed: [f, m, no]}}
      kind: {{type: string, allowed: [a, no]}}
  history:
    key: [loan_id, month_on]
    event_time: month_on
    every: month
    columns:
      loan_id: {{type: string}}
      month_on: {{type: date}}
      days: {{type: int}}
joins:
  - {{table: people, on: customer_id, on_theirs: number, where: {{kind: no}}}}
views:
  arrears: {{kind: windows, table: history, entity: loan_id, months: [3, 6], amounts: [days]}}
  state: {{kind: profile, table: history, entity: loan_id, columns: [days], max_age_days: 40}}
derived:
  amount_by_days: {{kind: ratio, columns: [amount, days]}}
catalogue:
  amount: {LINE}
  amount_by_days: {LINE}
  days: {LINE}
  days_since_last_event: {LINE}
  event_count_{{3,6}}m: {LINE}
  days_sum_{{3,6}}m: {LINE.replace("What it is.", '"Sum of {} months."')}
  days_mean_{{3,6}}m: {LINE}
  days_max_{{3,6}}m: {LINE}
  days_trend_{{3,6}}m: {LINE}
  gender: {LINE.replace("owner: Risk", "owner: Risk, use: fairness")}
floors: {{auc_low: 1}}
leak_limits: {{auc: 0.85}}
"""


def small(old: str = "", new: str = "") -> BankDescription:
    assert old in SMALL
    return parse_bank(SMALL.replace(old, new), where="bank.yaml")


def problems_of(old: str, new: str) -> tuple[str, ...]:
    with pytest.raises(BadConfiguration) as caught:
        small(old, new)
    return tuple(problem.removeprefix("bank.yaml: ") for problem in caught.value.problems)
