"""A data set before it is written: read from its source, checked, named by its content, and split.

Generation and replay share this, so that the same source gives the same version in both.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.errors import BadConfiguration, BadInput, UpstreamNotReady
from arrears.contracts.job_configs.jobs import GenerateDataConfig
from arrears.contracts.tables.column_names import TARGET_VALUE
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.knowledge import LabelKnowledge
from arrears.stores.bank_files import parse_bank, shipped_bank_text, shipped_banks
from arrears.stores.objects import Objects
from arrears.stores.shipped import text_at
from spark_jobs.data.bank_data import training_decisions
from spark_jobs.io import sources
from spark_jobs.io.session import fit_batches
from spark_jobs.schemas import stored_name
from spark_jobs.transforms.bank.widening import double_notes
from spark_jobs.transforms.borrowers import borrower_checks, splits
from spark_jobs.transforms.borrowers.borrowers import has_label, in_stored_names, to_borrowers, to_target_levels
from spark_jobs.transforms.borrowers.misfit_shapes import misfit_sentences, to_misfit_shapes

log = logging.getLogger(__name__)

BANK = "bank"
# Part of every dataset version: raise it when the same source would be prepared or split differently.
PREPARATION = 3
_FLAT = "source"  # the one table of a data set that is no bank
_SPLIT = ("split", "test_from", "embargo_days")


@dataclass(frozen=True)
class Pins:
    """What a replay needs of a bank besides the configuration: its description and the versions of its tables."""

    bank: str = ""
    versions: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Pins:
        """Reads the pins of a dataset version's manifest."""
        return cls(manifest.get("bank", ""), dict(manifest.get("table_versions", {})))


@dataclass(frozen=True)
class Unlabelled:
    """Rows whose outcome is not known, kept apart from those that a model learns from or is measured on.

    Attributes:
        missing: how many have no target at all.
        other: how many have one that is neither bad nor good.
    """

    rows: DataFrame
    missing: int
    other: int
    digest: str

    @property
    def counts(self) -> dict[str, int | str]:
        """What stands in manifests."""
        return {
            "rows": self.missing + self.other,
            "without_target": self.missing,
            "neither_bad_nor_good": self.other,
            "digest": self.digest,
        }


@dataclass(frozen=True)
class CheckedBorrowers:
    """Borrowers that passed every check, what their columns mean, and what was counted on the way.

    Attributes:
        label_known: when the outcome of a decision is known, the embargo included.
        unlabelled: rows that were left out for want of a label. None: none would have been.
    """

    borrowers: DataFrame
    description: DatasetDescription
    content: borrower_checks.Content
    notes: tuple[str, ...]
    pins: Pins
    label_known: LabelKnowledge
    unlabelled: Unlabelled | None = None


def checked_borrowers(
    spark: SparkSession, config: GenerateDataConfig, objects: Objects, pins: Pins | None = None
) -> CheckedBorrowers:
    """Reads the source and proves that it is what its description declares.

    Args:
        pins: those of the version that is replayed. None: the newest tables.

    Raises:
        BadInput: names every problem. Nothing has been written but quarantined rows.
    """
    source, used_pins, label_known = _source(spark, config, objects, pins)
    description = source.description
    fit_batches(spark, len(source.loans.columns))
    misfits = {**_misfits(source.loans, description), **source.misfits}
    problems = [*source.problems, *borrower_checks.schema_problems(source.loans.schema, description, misfits)]
    problems += _split_problems(config, description)
    levels = _target_levels(source.loans, description)
    description, more = borrower_checks.completed_description(description, levels)
    problems += more
    # Kept on the executors (memory, then disk): counting, splitting and both writes read the rows again.
    borrowers = to_borrowers(source.loans, description).persist()
    content = borrower_checks.Content.of(borrower_checks.to_content(borrowers, description).collect()[0])
    if content.rows == 0 and label_known:
        raise UpstreamNotReady(
            f"no decision of {config.dataset} has a known outcome on {config.as_of}: outcomes are known {label_known};"
            " take a later date, or wait"
        )
    problems += borrower_checks.content_problems(content, description, test_share=config.test_share)
    notes = (
        *source.notes,
        *_split_notes(config, description, label_known),
        *borrower_checks.label_notes(content, description, levels),
    )
    for note in notes:
        log.info("%s", note)
    if problems:
        raise BadInput(*problems)
    checked = CheckedBorrowers(borrowers, description, content, notes, used_pins, label_known)
    return _parted_by_label(checked) if borrower_checks.leaves_out(description) else checked


def _misfits(loans: DataFrame, description: DatasetDescription) -> dict[str, str]:
    """A sentence for each column that is no number, or no date, as it is declared."""
    found = borrower_checks.misfitting(loans.schema, description)
    if not found:
        return {}
    expected = {name: kind for name, (_, kind) in found.items()}
    declared = {name: what for name, (what, _) in found.items()}
    return misfit_sentences(to_misfit_shapes(loans, expected).collect(), declared, expected)


def _target_levels(loans: DataFrame, description: DatasetDescription) -> list[str]:
    if description.compares or description.target not in loans.columns:
        return []
    levels = to_target_levels(loans, description, at_most=borrower_checks.MOST_LEVELS + 1).collect()
    return [row["level"] for row in levels]


def _parted_by_label(checked: CheckedBorrowers) -> CheckedBorrowers:
    """The labelled borrowers alone, as if the source held no others, and these beside them."""
    sides = {label: checked.borrowers.where(has_label() == label) for label in (True, False)}
    contents = {
        label: borrower_checks.Content.of(borrower_checks.to_content(rows, checked.description).collect()[0])
        for label, rows in sides.items()
    }
    left_out = contents[False]
    return dataclasses.replace(
        checked,
        borrowers=sides[True].drop(TARGET_VALUE),
        content=contents[True],
        unlabelled=Unlabelled(sides[False], left_out.missing_labels, left_out.unknown_labels, left_out.digest),
    )


def dataset_version(checked: CheckedBorrowers, config: GenerateDataConfig) -> str:
    """The name of exactly this data, prepared and split in exactly this way."""
    meaning = {key: value for key, value in checked.description.to_dict().items() if key != "catalogue"}
    parts = [PREPARATION, checked.content.digest, meaning, dataclasses.asdict(checked.label_known)]
    parts += [config.seed, config.test_share, *(getattr(config, name) for name in _SPLIT)]
    parts += [checked.unlabelled.digest] if checked.unlabelled else []
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def split_borrowers(checked: CheckedBorrowers, config: GenerateDataConfig) -> tuple[DataFrame, str | None]:
    """The borrowers with their ``part`` (train, test or embargo), and the first held-out day of a split by time."""
    borrowers, description = checked.borrowers, checked.description
    if config.split == "out_of_time":
        event_time = description.event_time or ""
        test_from = config.test_from or _first_held_out_day(borrowers, event_time, config.test_share)
        rows = splits.with_time_part(
            borrowers,
            event_time=event_time,
            test_from=test_from,
            known=checked.label_known,
            group=description.group,
        )
        return rows, test_from
    if config.split == "grouped":
        group = description.group or ""
        return splits.with_grouped_part(borrowers, group=group, test_share=config.test_share, seed=config.seed), None
    return splits.with_random_part(borrowers, test_share=config.test_share, seed=config.seed), None


def _source(
    spark: SparkSession, config: GenerateDataConfig, objects: Objects, pins: Pins | None
) -> tuple[sources.Source, Pins, LabelKnowledge]:
    if config.source != BANK:
        version = pins.versions.get(_FLAT) if pins else None
        flat = sources.read_source(spark, config, objects, version=version)
        embargo = LabelKnowledge(days=config.embargo_days)
        return flat, Pins(versions={} if flat.version is None else {_FLAT: flat.version}), embargo
    _refuse_roles_of_a_bank(config)
    text = pins.bank if pins else _bank_text(config, objects)
    bank = parse_bank(text, where=config.description or f"the shipped bank {config.dataset}")
    decisions = training_decisions(spark, bank, config, objects, pins.versions if pins else None)
    notes = (*decisions.notes, *double_notes(decisions.rows.schema))
    source = sources.Source(decisions.rows, in_stored_names(decisions.description), notes)
    # Splits and folds read when an outcome was known from the rows as they are stored.
    label_known = dataclasses.replace(decisions.label_known, column=stored_name(decisions.label_known.column))
    return source, Pins(text, decisions.versions), label_known


def _refuse_roles_of_a_bank(config: GenerateDataConfig) -> None:
    given = {"exclude": bool(config.exclude), "rest": config.rest != "as_described"}
    problems = [
        f"{name} is for a single file or table: a bank's description names its features, and no others are made"
        for name, is_given in given.items()
        if is_given
    ]
    if problems:
        raise BadConfiguration(*problems)


def _bank_text(config: GenerateDataConfig, objects: Objects) -> str:
    if config.description in shipped_banks():
        return shipped_bank_text(config.description or "")
    if config.description:
        return text_at(config.description, objects)
    if config.dataset in shipped_banks():
        return shipped_bank_text(config.dataset)
    raise BadConfiguration(
        "source bank needs a description of its tables: give one, or the name of a shipped bank as the data set"
        f" ({', '.join(shipped_banks())})"
    )


def _split_problems(config: GenerateDataConfig, description: DatasetDescription) -> list[str]:
    if config.split == "grouped" and description.group is None:
        return ["split grouped needs a group in the description: the column that identifies a customer"]
    if config.split == "out_of_time" and description.event_time is None:
        return ["split out_of_time needs an event_time in the description: the date of the decision"]
    return []


def _split_notes(config: GenerateDataConfig, description: DatasetDescription, label_known: LabelKnowledge) -> list[str]:
    if config.split == "out_of_time" and not label_known:
        return [
            f"when an outcome of {config.dataset} was known is not told: every decision before the held-out ones is"
            " learnt from; give embargo_days, or a bank's label its known_on"
        ]
    if config.split != "random" or description.group in (None, description.id):
        return []
    return [
        f"split random parts the rows of one {description.group}: training refuses that as a leak where any has several"
        " rows; choose grouped or out_of_time"
    ]


def _first_held_out_day(borrowers: DataFrame, event_time: str, share: float) -> str:
    """The latest day from which on the decisions are at least the share. Days, not rows, reach the driver."""
    days = splits.to_day_counts(borrowers, event_time).where("day IS NOT NULL").orderBy("day").collect()
    rows_needed, rows_so_far = share * sum(row["rows"] for row in days), 0
    for row in reversed(days):
        rows_so_far += row["rows"]
        if rows_so_far >= rows_needed:
            return str(row["day"])
    raise BadInput(f"no row has a date in {event_time}: there is nothing to split by time")
