"""The configuration of the jobs that make a bank's tables and build its features. Defaults live here only."""

from __future__ import annotations

from dataclasses import dataclass

from arrears.contracts.addresses import DATASET_NAME
from arrears.contracts.job_configs.arguments import option
from arrears.contracts.job_configs.job_config import JobConfig

# Sections of the forms and of --help.
BANK = "Tables of a bank"
_TIME = "Time span"
_FLAWS = "Defaults, gaps and drift"


@dataclass(frozen=True, kw_only=True)
class GenerateBankConfig(JobConfig):
    """Makes the three tables of a synthetic bank, as the bank would know them on the business date."""

    dataset: str = option(
        "synthetic_bank",
        help="name in lower-case letters, digits and _: one folder of source tables",
        title="Bank",
        pattern=DATASET_NAME,
    )
    as_of: str = option(help="business date: rows that arrive later are left out (YYYY-MM-DD)")
    loans: int = option(1_000_000, help="number of loans", minimum=100, title="Loans")
    history_months: int = option(
        24,
        help="months of credit history of each loan",
        minimum=6,
        maximum=60,
        title="Credit history of a loan",
        unit="months",
        section=_TIME,
    )
    first_month: str = option(
        "2022-01-01",
        help="month of the first decision (YYYY-MM-01)",
        title="First month of decisions",
        section=_TIME,
        is_date=True,
    )
    decision_months: int = option(
        36,
        help="months over which decisions are spread",
        minimum=1,
        maximum=240,
        title="Span of the decisions",
        unit="months",
        section=_TIME,
    )
    default_rate: float = option(
        0.06,
        help="share of loans that default",
        minimum=0.001,
        maximum=0.5,
        title="Default rate",
        unit="share",
        section=_FLAWS,
    )
    missing_share: float = option(
        0.04,
        help="share of missing values where any are",
        minimum=0.0,
        maximum=0.9,
        title="Missing values",
        unit="share",
        section=_FLAWS,
    )
    late_share: float = option(
        0.05,
        help="share of history rows that arrive late",
        minimum=0.0,
        maximum=1.0,
        title="Late history rows",
        unit="share",
        section=_FLAWS,
    )
    drift_from: str | None = option(
        "2024-07-01",
        help="decisions from this day on come from a changed population",
        title="Changed population from",
        section=_FLAWS,
        is_date=True,
    )
    seed: int = option(42, help="seed of every random choice", title="Seed")


@dataclass(frozen=True, kw_only=True)
class BuildFeaturesConfig(JobConfig):
    """Computes a bank's features as they are known on one date and merges them into the feature store."""

    dataset: str = option(
        "synthetic_bank", help="the bank whose features are built", title="Bank", pattern=DATASET_NAME
    )
    as_of: str = option(help="processing date (YYYY-MM-DD)")
    description: str | None = option(
        None,
        help="YAML description of the bank (path or s3://); empty: built in",
        title="Description (YAML)",
        section=BANK,
    )
    most_broken_share: float = option(
        0.01,
        help="largest share of rows that may break a rule and be put into quarantine",
        minimum=0.0,
        maximum=1.0,
        title="Most broken rows",
        unit="share",
        section=BANK,
    )
    allow_new_columns: bool = option(
        False,
        help="accept and ignore columns that a table's contract does not have; let feature tables grow by columns that"
        " views have gained",
        title="Allow new columns",
        section=BANK,
    )
