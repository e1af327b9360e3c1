"""What an analyst chooses to do to rows and features before a model sees them. Defaults live here only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from arrears.contracts.job_configs.arguments import Choices, option

# Sections of the forms and of --help.
_RARE = "Rare defaults"
_REJECTS = "Rejected applicants"
_PREPARATION = "Preparation of features"


@dataclass(frozen=True, kw_only=True)
class SamplingChoices(Choices):
    """How rare defaults are made to count more."""

    sampling: Literal["none", "class_weights", "over", "under"] = option(
        "none",
        help="rare defaults: as they are, weighted, repeated, or the others thinned out",
        title="Sampling",
        section=_RARE,
    )
    sampling_factor: float = option(
        1.0,
        help="how much more a default counts than it occurs (k); 0: both classes count alike",
        minimum=0.0,
        title="Weight of a default",
        unit="times",
        section=_RARE,
    )


@dataclass(frozen=True, kw_only=True)
class RejectChoices(Choices):
    """How a model of default learns for rejected applicants too, whose outcomes nobody knows."""

    reject_inference: Literal["none", "augmentation", "fuzzy", "parcelling"] = option(
        "none",
        help="rejected applicants: left aside; augmentation: accepted borrowers who were as likely to be rejected stand"
        " for them; fuzzy: learnt from as bad and good, by their probability; parcelling: bad or good at the bad rate"
        " of their score",
        title="Reject inference",
        section=_REJECTS,
    )
    reject_values: tuple[str, ...] = option(
        (),
        help="target values of rejected applicants among the rows without a label; empty: rows without any value",
        title="Target values of rejected applicants",
        section=_REJECTS,
    )
    reject_factor: float = option(
        1.0,
        help="fuzzy, parcelling: how many times as often a rejected applicant defaults as an accepted borrower with the"
        " same score",
        minimum=0.1,
        maximum=10.0,
        title="Bad rate of rejected applicants",
        unit="times that of accepted ones",
        section=_REJECTS,
    )


@dataclass(frozen=True, kw_only=True)
class PreparationChoices(Choices):
    """Which features a model sees, and what is done to them before."""

    features: tuple[str, ...] = option(
        (), help="features to train on, of those that the data set declares; empty: all of them", title="Features"
    )
    missing: Literal["native", "fill", "constant"] = option(
        "native",
        help="missing values: the engine's own way, filled by median or most frequent level, or a constant",
        title="Missing values",
        section=_PREPARATION,
    )
    missing_flags: Literal["native", "add", "none"] = option(
        "native",
        help="features that tell where a value was missing; native: added where the engine takes no missing values",
        title="Flag missing values",
        section=_PREPARATION,
    )
    outliers: Literal["keep", "clip", "flag", "drop"] = option(
        "keep",
        help="numbers far from the mean: kept, clipped, flagged by a feature, or the training row dropped",
        title="Outliers",
        section=_PREPARATION,
    )
    outlier_deviations: float = option(
        3.0,
        help="standard deviations from which on a number is far",
        minimum=1.0,
        title="Outliers from",
        unit="standard deviations",
        section=_PREPARATION,
    )
    encoding: Literal["native", "index", "one_hot", "woe"] = option(
        "native",
        help="categories: the engine's own way, a number or a column a level, or all by weight of evidence",
        title="Categories",
        section=_PREPARATION,
    )
    deciles: tuple[str, ...] = option(
        (), help="numeric features to add as deciles of the training rows", title="Deciles", section=_PREPARATION
    )
    interactions: tuple[str, ...] = option(
        (), help="pairs of numeric features to multiply or divide: a*b,c/d", title="Interactions", section=_PREPARATION
    )
