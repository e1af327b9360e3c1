"""One trial: for every fold, a model of the rows that it may learn from, measured on the rows that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.job_configs.preparation_choices import PreparationChoices, SamplingChoices
from arrears.contracts.job_configs.training_choices import training_values
from arrears.contracts.tables.column_names import LABEL, SCORE
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.experiments.trials import Proposal
from arrears.model.fitting.resampling import Resampling, resampling
from arrears.model.metrics.score_groups import ScoreGroup, calibration_check
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from spark_jobs.engines.interface import FittedModel, TrainingSpec
from spark_jobs.engines.row_groups import Snapshot
from spark_jobs.experiments.pinned_folds import PinnedFolds
from spark_jobs.io.snapshots import read_batches, read_slices
from spark_jobs.measuring.scored_rows import checked_error_sums, persisted, score_bounds
from spark_jobs.scoring.score_snapshot import score_snapshot
from spark_jobs.training.documents import document_of
from spark_jobs.training.pinned_rows import training_spec
from spark_jobs.training.training_plan import TrainingPlan, training_plan
from spark_jobs.transforms.scores.score_counts import to_score_counts, with_counts_below
from spark_jobs.transforms.scores.score_curves import to_score_groups
from spark_jobs.transforms.scores.score_ranks import rank_sums_of, to_rank_sums

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class FoldModel:
    """The model that one block is measured by."""

    fitted: FittedModel
    document: ModelDocument

    def importance(self) -> dict[str, float]:
        """What the model makes of each input, in its own terms."""
        scorer = load_scorer(self.document.model_format, self.fitted.model)
        return dict(zip(self.document.inputs, map(float, scorer.importance()), strict=True))


@dataclass(frozen=True)
class Trials:
    """Trains and measures proposals on pinned folds. Safe to call from many threads.

    Attributes:
        config: what is the same in every trial.
    """

    spark: SparkSession
    folds: PinnedFolds
    config: TrainModelConfig
    description: DatasetDescription
    _prepared: dict[tuple[int, SamplingChoices, PreparationChoices], TrainingSpec] = field(default_factory=dict)

    def run(self, proposal: Proposal) -> tuple[Mapping[str, float], ...]:
        """The metrics of each measured block."""
        return tuple(self._measured(proposal, block) for block in self.folds.folds.measured)

    def model_of(self, proposal: Proposal, block: int) -> FoldModel:
        """Trains the model for one block.

        Raises:
            BadConfiguration: a choice does not fit the data set or the engine.
        """
        plan = self._plan(proposal, block)
        snapshot, spec = self._training(plan, block)
        fitted = plan.engine.fit(self.spark, snapshot, spec, read_slices)
        document = replace(document_of(plan.run, spec, fitted), calibration=self._resampling(plan.sampling).correction)
        return FoldModel(fitted, document)

    def training_of(self, proposal: Proposal, block: int) -> tuple[Snapshot, TrainingSpec]:
        """The rows behind the model for one block, and what is fitted and set before it is trained."""
        return self._training(self._plan(proposal, block), block)

    def _plan(self, proposal: Proposal, block: int) -> TrainingPlan:
        return training_plan(self.config_of(proposal, block), self.description)

    def _training(self, plan: TrainingPlan, block: int) -> tuple[Snapshot, TrainingSpec]:
        sampled = self._resampling(plan.sampling)
        snapshot, rows = self.folds.training(block, sampled)
        spec = replace(self._spec(rows, plan, block), **plan.engine_settings)
        return snapshot, replace(spec, class_weights=sampled.class_weights, stopping_weights=sampled.stopping_weights)

    def _spec(self, rows: DataFrame, plan: TrainingPlan, block: int) -> TrainingSpec:
        """What is fitted before a model is learnt once for all trials that differ in the model alone."""
        key = block, plan.sampling, plan.preparation
        if key not in self._prepared:  # two threads at once may both learn it: to the same bits
            self._prepared[key] = training_spec(rows, plan, 1)
        return self._prepared[key]

    def config_of(self, proposal: Proposal, block: int) -> TrainModelConfig:
        """The training job's configuration behind the model for one block."""
        own = {"features": proposal.features[block]} if block in proposal.features else {}
        mine = {name: value for name, value in vars(self.config).items() if name == "engine_options" and value}
        return replace(self.config, **training_values(mine, proposal.choices, own))

    def _measured(self, proposal: Proposal, block: int) -> dict[str, float]:
        model = self.model_of(proposal, block)
        held_out = self.folds.held_out(block)
        scored = score_snapshot(
            self.spark, held_out, model.fitted.model, model.document, read_batches, carry={LABEL: "int"}
        )
        return fold_metrics(scored)

    def _resampling(self, choices: SamplingChoices) -> Resampling:
        counts = {"non_defaults": self.folds.non_defaults, "defaults": self.folds.defaults}
        return resampling(choices.sampling, choices.sampling_factor, **counts)


def fold_metrics(scored: DataFrame) -> dict[str, float]:
    """What a trial is judged by, from scored rows (one a held-out borrower). Only sums reach the driver.

    The metrics are defined in ``arrears.model.metrics.default_metrics`` and, for ``ece``, in
    ``arrears.model.metrics.score_groups``.

    Raises:
        BadInput: no rows, or one class only.
    """
    with persisted(scored.select(SCORE, LABEL)) as rows:
        errors = checked_error_sums(rows, threshold=0.5)
        bounds = score_bounds(rows, errors.rows)
        with persisted(with_counts_below(to_score_counts(rows, bounds=bounds))) as ranked:
            (sums,) = to_rank_sums(ranked).collect()
            groups = [ScoreGroup(**row.asDict()) for row in to_score_groups(ranked).collect()]
    rank = rank_sums_of(sums)
    return {
        "auc": rank.auc,
        "gini": rank.gini,
        "ks": rank.ks,
        "auc_pr": rank.auc_pr,
        "log_loss": errors.log_loss_sum / errors.rows,
        "brier": errors.squared_error_sum / errors.rows,
        "ece": calibration_check(groups).ece,
        "mean_probability": sums["score_sum"] / errors.rows,
        "default_rate": errors.defaults / errors.rows,
        "rows": float(errors.rows),
    }
