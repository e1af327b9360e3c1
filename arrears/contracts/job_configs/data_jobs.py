"""The configuration of the jobs that make, refresh and look at data. Defaults live here only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from arrears.contracts.daily_deliveries import SAMPLE, require_delivery
from arrears.contracts.job_configs.arguments import option
from arrears.contracts.job_configs.bank_jobs import BANK
from arrears.contracts.job_configs.delivery_choices import DeliveryChoices
from arrears.contracts.job_configs.job_config import JobConfig
from arrears.contracts.job_configs.reading_choices import ReadingChoices

# Sections of the forms and of --help.
_SOURCE = "Columns and description of the source"
_SPLIT = "More about the split"
_SYNTHETIC = "Synthetic borrowers"

SOURCES = ("lending_club", "synthetic", "synthetic_customers", "bank")  # beside paths


@dataclass(frozen=True, kw_only=True)
class GenerateDataConfig(ReadingChoices, JobConfig):
    """Reads a source, checks it against its description, and splits it into train and test."""

    as_of: str = option(help="business date from which this data is in force (YYYY-MM-DD)")
    source: str = option(
        "lending_club",
        help="lending_club, synthetic, synthetic_customers, bank (the tables that a bank's description names), or a"
        " path to CSV, Parquet or Delta (local or s3://)",
        title="Source",
        examples=SOURCES,
    )
    target: str | None = option(
        None, help="target column of a path source that has no description", title="Target column", section=_SOURCE
    )
    bad_when: str = option(
        "1",
        help="target values that mean default: values with commas between them, such as 1 or Default,Charged Off, or a"
        " comparison such as '> 0'; a value with a comma, or that begins with <, > or =, in double quotes",
        title="Target values that mean default",
        section=_SOURCE,
    )
    good_when: str | None = option(
        None,
        help="target values that mean no default, told likewise; empty: 0 beside 1, the one other value, or all that a"
        " comparison leaves",
        title="Target values that mean no default",
        section=_SOURCE,
    )
    unlabelled: Literal["refuse", "leave_out"] = option(
        "refuse",
        help="rows whose target is empty, or neither of these values: refused, or left out of train and test, counted,"
        " and kept in the table unlabelled; a bank's decisions without outcome are left out anyway",
        title="Rows without a label",
        section=_SOURCE,
    )
    id_column: str | None = option(
        None,
        help="column that identifies a row; empty: an id is derived from its content",
        title="Column that identifies a row",
        section=_SOURCE,
    )
    description: str | None = option(
        None,
        help="YAML description of a data set or a bank (path or s3://); empty: built in, or read off the file",
        title="Description (YAML)",
        section=_SOURCE,
    )
    rest: Literal["as_described", "refuse", "as_it_is", "leave_out"] = option(
        "as_described",
        help="columns that the description gives no role: refuse; as_it_is (numbers numeric, text categorical);"
        " leave_out; or as_described (what its key rest says)",
        title="Columns without a role",
        section=_SOURCE,
    )
    exclude: tuple[str, ...] = option(
        (),
        help="columns left out at the door, comma separated, whatever the description says; empty: none more",
        title="Columns left out",
        section=_SOURCE,
    )
    schema_drift: Literal["refuse", "widen"] = option(
        "refuse",
        help="Parquet files whose columns differ: refuse; or widen (the wider type; missing where a file lacks it)",
        title="Files that differ",
        section=_SOURCE,
    )
    features_from: Literal["tables", "store"] = option(
        "tables",
        help="bank: compute features at each decision from its tables, or read them from the feature store",
        title="Features from",
        section=BANK,
    )
    split: Literal["random", "grouped", "out_of_time"] = option(
        "random",
        help="random: by borrower; grouped: by customer; out_of_time: the latest decisions are held out",
        title="Split",
    )
    test_from: str | None = option(
        None,
        help="out_of_time: first day of held-out decisions (YYYY-MM-DD); empty: so that the share is held out",
        title="First held-out day",
        section=_SPLIT,
        is_date=True,
    )
    embargo_days: int = option(
        0,
        help="days to wait on top of what a bank's tables declare until a label counts as known, in every split; of"
        " other sources, out_of_time: days from a decision until its label is known",
        minimum=0,
        title="Embargo",
        unit="days",
        section=_SPLIT,
    )
    test_share: float = option(
        0.3, help="share of borrowers held out", minimum=0.05, maximum=0.95, title="Held-out borrowers", unit="share"
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
        help="accept and ignore columns that a table's contract does not have",
        title="Allow new columns",
        section=BANK,
    )
    seed: int = option(42, help="seed of every random choice", title="Seed", section=_SPLIT)
    rows: int = option(
        100_000, help="synthetic: number of borrowers", minimum=100, title="Borrowers", section=_SYNTHETIC
    )
    features: int = option(
        100, help="synthetic: number of features", minimum=5, maximum=5000, title="Features", section=_SYNTHETIC
    )
    default_rate: float = option(
        0.09,
        help="synthetic: share of borrowers that default",
        minimum=0.001,
        maximum=0.5,
        title="Default rate",
        unit="share",
        section=_SYNTHETIC,
    )
    missing_share: float = option(
        0.05,
        help="synthetic: share of missing values in the columns that have any",
        minimum=0.0,
        maximum=0.9,
        title="Missing values",
        unit="share",
        section=_SYNTHETIC,
    )


@dataclass(frozen=True, kw_only=True)
class SampleNewDataConfig(DeliveryChoices, JobConfig):
    """Takes in the day's new borrowers: a bank's own applicants, or a sample of those held out or without a label."""

    as_of: str = option(help="business date of the new data (YYYY-MM-DD)")
    dataset_version: str = option(
        help="version of the data set: the held-out rows to draw from, and the columns to keep"
    )
    source: str = option(
        SAMPLE,
        help="sample (drawn from the held-out set), or where the day's applicants lie: a path to CSV, Parquet or Delta"
        " (local or s3://) with {{as_of}} or {{as_of_nodash}} where the business date stands in it, or a table with a"
        " date column",
        title="Where new borrowers come from",
        examples=(SAMPLE, "s3://bank/applications/as_of={{as_of}}/"),
    )
    fraction: float = option(
        0.1,
        help="share of the held-out set to draw",
        minimum=0.0001,
        maximum=1.0,
        title="New borrowers",
        unit="share of the held-out",
    )
    drawn_from: Literal["test", "unlabelled"] = option(
        "test",
        help="test: held-out borrowers; unlabelled: rows that generate_data left out because they have no label",
        title="Draw from",
    )
    with_replacement: bool = option(False, help="a borrower may be drawn more than once", title="Draw with replacement")
    seed: int = option(42, help="seed of the draw; the business date is mixed in", title="Seed")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.source != SAMPLE:
            require_delivery(self.source, self.date_column, named=SOURCES)


@dataclass(frozen=True, kw_only=True)
class KeepOutcomesConfig(DeliveryChoices, JobConfig):
    """Takes in a day's outcomes: who has defaulted, who has repaid, and since when that is known."""

    as_of: str = option(help="business date of the delivery (YYYY-MM-DD)")
    dataset_version: str = option(help="version of the data set that says what its target means")
    source: str = option(
        help="where the day's outcomes lie: a path to CSV, Parquet or Delta (local or s3://) with {{as_of}} or"
        " {{as_of_nodash}} where the business date stands in it, or a table with a date column",
        title="Where outcomes come from",
        examples=("s3://bank/outcomes/as_of={{as_of}}/",),
    )
    known_on: str = option(
        "known_on", help="column that holds the day since which an outcome is known", title="Known on"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_delivery(self.source, self.date_column, named=(SAMPLE, *SOURCES))


@dataclass(frozen=True, kw_only=True)
class MaintainTablesConfig(JobConfig):
    """Compacts the Delta tables of a data set and removes what no run needs any more."""

    retain_hours: int = option(
        720,
        help="files that no version of the last hours needs are deleted; replays go back so far",
        minimum=168,
        title="Keep replaced files",
        unit="hours",
    )
    snapshot_days: int = option(
        7,
        help="training snapshots older than this, left by killed runs, go",
        minimum=1,
        title="Keep training snapshots",
        unit="days",
    )


@dataclass(frozen=True, kw_only=True)
class ReplayTrainingSetConfig(JobConfig):
    """Builds a dataset version again from the table versions it was made of, and proves that it is the same."""

    dataset_version: str = option(help="dataset version to build again", title="Dataset version")


@dataclass(frozen=True, kw_only=True)
class ExploreDataConfig(JobConfig):
    """Looks at one partition of a data set: summaries, target rates, associations and drift, as one page."""

    table: Literal["train", "test", "test_sample"] = option("train", help="which table")
    partition: str = option(help="dataset version of train or test, business date of test_sample")
    compared_with: str | None = option(
        None, help="another partition of the table for the drift; empty: early against late decisions where dates are"
    )
    report_folder: str = option(help="S3 folder for the page and its numbers")
    bins: int = option(10, help="bins of a numeric column", minimum=2, maximum=50)
    seed: int = option(42, help="seed of the sample from which bin edges are read")
