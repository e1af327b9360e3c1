"""The leak check of every training: the actions that look for leaks, and what becomes of those found."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.column_names import ID, LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.leak_limits import LeakLimits
from arrears.model.features.leaks import Overlap, overlap_leaks, power_leaks, time_leaks
from arrears.model.gate.promotion import LEAK_CHECK_TAG, LEAK_REASON_TAG, LEAKS_TAG
from spark_jobs.data.feature_power import feature_powers
from spark_jobs.data.unlearnable import listed, unlearnable
from spark_jobs.io.at_once import at_once
from spark_jobs.transforms.borrowers.leak_counts import to_later_dates, to_overlaps

log = logging.getLogger(__name__)

_ADVICE = (
    "mend these columns and rows, or leave the features out (`features`, or `excluded` in the description); where a"
    " feature is honest, raise the description's leak_limits; or switch leak_override on and give the reason"
)
_TAG_LENGTH = 5000  # of the 8,000 characters that MLflow keeps


@dataclass(frozen=True)
class LeakCheck:
    """What the check found in data that may be trained on, and why it was let through.

    Attributes:
        leaks: one sentence a leak. Empty unless they were overridden.
        reason: the override's reason. Empty where nothing was overridden.
        asked: an override was asked for, whether or not there was anything to override.
        single: features that hold one value in every row, or none in any.
    """

    leaks: tuple[str, ...] = ()
    reason: str = ""
    asked: bool = False
    single: tuple[str, ...] = ()

    @property
    def figures(self) -> dict[str, str]:
        """What the mail says of an override, with every leak, and of features that tell nothing. Empty without any."""
        single = {"features of one value": listed(self.single)} if self.single else {}
        if self.leaks:
            leaks = {f"leak {number}": leak for number, leak in enumerate(self.leaks, 1)}
            return {"leak check overridden": self.reason, **leaks, **single}
        return ({"leak override": "without effect: no leak was found"} if self.asked else {}) | single

    @property
    def tags(self) -> dict[str, str]:
        """What MLflow keeps with the run. The promotion gate asks for it."""
        if not self.leaks:
            return {LEAK_CHECK_TAG: "no leak"}
        text = "\n".join(self.leaks)[:_TAG_LENGTH]
        return {LEAK_CHECK_TAG: "overridden", LEAK_REASON_TAG: self.reason, LEAKS_TAG: text}


def checked_for_leaks(
    train: DataFrame, held_out: DataFrame | None, config: TrainModelConfig, description: DatasetDescription
) -> LeakCheck:
    """Looks for leaks in the training rows, and between them and the held-out rows of the same version.

    Rows that nothing can be learnt from are told with them: no reason overrides these.

    Args:
        train: the training rows of the pinned version.
        held_out: its held-out rows. None leaves out the comparison of the two sides.
        description: with the features that the model would see, and no others.

    Raises:
        BadInput: there is nothing to learn, or there are leaks and no reason to train in spite of them. Names them all.
    """
    # Without a validation slice each of three models is trained without a third of the rows, to score it.
    shares = (config.validation_share or 1 / 3, config.calibration_share if config.calibration != "none" else 0.0)
    slices = [share for share in shares if share]
    found, leaks = at_once(
        train.sparkSession,
        lambda: unlearnable(train, description, slices=slices, options=config.engine_options),
        lambda: find_leaks(train, held_out, description, seed=config.seed),
    )
    reason = config.leak_override_reason.strip()
    if found.problems:
        raise BadInput(*found.problems, *(() if config.leak_override else leaks))
    if leaks and not config.leak_override:
        raise BadInput(*leaks, advice=_ADVICE)
    for leak in leaks:
        log.warning("leak, overridden (%s): %s", reason, leak)
    if config.leak_override and not leaks:
        log.info("leak_override has no effect: no leak was found")
    return LeakCheck(tuple(leaks), reason if leaks else "", config.leak_override, found.single)


def find_leaks(
    train: DataFrame, held_out: DataFrame | None, description: DatasetDescription, *, seed: int
) -> list[str]:
    """Every leak, one sentence each: dates after the decision, keys on both sides, features that know too much.

    Args:
        held_out: None leaves out the comparison of the two sides.
        seed: of the sample that bins are read from.
    """
    (rows, defaults), powers, time, overlap = at_once(
        train.sparkSession,
        lambda: train.agg(F.count(F.lit(1)), F.count_if(F.col(LABEL) == 1)).collect()[0],
        lambda: feature_powers(
            train, numeric=description.numeric, categorical=description.categorical, label=LABEL, key=ID, seed=seed
        ),
        lambda: _time_leaks(train, held_out, description),
        lambda: _overlap_leaks(train, held_out, description),
    )
    limits = LeakLimits.of(description.leak_limits)
    return [*time, *overlap, *power_leaks(powers, rows=rows, defaults=defaults, limits=limits)]


def _time_leaks(train: DataFrame, held_out: DataFrame | None, description: DatasetDescription) -> list[str]:
    decided = description.event_time
    others = [name for name in description.dates if name != decided]
    if decided is None or not others:
        return []
    rows = train if held_out is None else train.unionByName(held_out)
    known_after = description.known_after
    counted = to_later_dates(rows, event_time=decided, dates=others, known_after=known_after).collect()[0].asDict()
    total = counted.pop("_row_count")
    return time_leaks(counted, event_time=decided, rows=total, known_after=known_after)


def _overlap_leaks(train: DataFrame, held_out: DataFrame | None, description: DatasetDescription) -> list[str]:
    if held_out is None:
        return []
    overlaps = to_overlaps(train, held_out, features=description.features, group=description.group).collect()
    return overlap_leaks([Overlap(**row.asDict()) for row in sorted(overlaps)])
