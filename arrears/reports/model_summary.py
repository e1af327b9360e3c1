"""What a risk manager should know of a model before looking at any plot: a few sentences, each with its tone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from arrears.model.metrics.cutoffs import NO_CUTOFF, approval_mark
from arrears.model.metrics.findings import Findings
from arrears.model.metrics.profit import ProfitCurve
from arrears.model.metrics.rules_of_thumb import FOUR_FIFTHS, LITTLE_DRIFT, MUCH_DRIFT, REJECTED_P
from arrears.reports.model_tables import cutoff, money, share

Tone = Literal["good", "watch", "plain"]


class Sentence(NamedTuple):
    """One thing to know. ``watch``: somebody should look at it."""

    tone: Tone
    text: str


def in_short(findings: Findings, champion: str, profit: ProfitCurve | None) -> list[Sentence]:
    """The report in sentences.

    Args:
        champion: how to call the present champion. Empty: there is none.
        profit: at the cut-off in use. None: the data set has no loan terms.
    """
    return [
        *_ranking(findings, champion),
        _calibration(findings),
        _cutoff(findings, profit),
        *_segments(findings),
        *_fairness(findings),
        *_stability(findings),
    ]


def _ranking(findings: Findings, champion: str) -> Iterator[Sentence]:
    evaluation, difference = findings.evaluation, findings.auc_difference
    yield Sentence(
        "plain",
        f"Of a defaulter and a good borrower taken at random, it scores the defaulter higher"
        f" {100 * evaluation.auc:.0f} times of 100 (95 %: {100 * evaluation.auc_low:.0f} to"
        f" {100 * evaluation.auc_high:.0f}).",
    )
    if findings.deciles:
        top = findings.deciles[0]
        yield Sentence(
            "plain",
            f"The riskiest tenth of the borrowers holds {share(top.capture, 0)} of all defaults,"
            f" {top.lift:.1f} times its share.",
        )
    if champion and difference is not None:
        tone: Tone = "good" if difference.low > 0 else "watch" if difference.high < 0 else "plain"
        verdicts = {
            "good": "better beyond chance",
            "watch": "worse beyond chance",
            "plain": "the difference may be chance",
        }
        yield Sentence(
            tone,
            f"Against {champion} on rows that neither has learnt from: AUC {difference.value:+.4f}"
            f" (95 %: {difference.low:+.4f} to {difference.high:+.4f}), {verdicts[tone]}.",
        )


def _calibration(findings: Findings) -> Sentence:
    check = findings.calibration
    text = f"Its probabilities are off by {100 * check.ece:.1f} points on average"
    if check.p_value < REJECTED_P:
        return Sentence("watch", f"{text}; the Hosmer-Lemeshow test rejects them (p {check.p_value:.2g}).")
    return Sentence("good", f"{text}; the Hosmer-Lemeshow test does not reject them (p {check.p_value:.2f}).")


def _cutoff(findings: Findings, profit: ProfitCurve | None) -> Sentence:
    confusion = findings.evaluation.confusion
    if confusion is None:
        return Sentence(
            "watch", f"{NO_CUTOFF[0].upper()}{NO_CUTOFF[1:]}. It scores, and nobody is approved or declined."
        )
    at = confusion.to_dict()
    mark = approval_mark(at["approval_rate"])
    sentence = (
        f"At the cut-off {cutoff(confusion.threshold)} it approves {share(at['approval_rate'])} of the applications;"
        f" {share(at['bad_rate_of_approved'])} of the approved default" + (f"; {mark}" if mark else "")
    )
    tone: Tone = "watch" if mark else "plain"
    if profit is None:
        return Sentence(tone, f"{sentence}.")
    earned, best = 100 * profit.chosen.profit, 100 * profit.best.profit
    text = (
        f"{sentence}. 100 applications earn {money(earned)}; the best cut-off on these rows would earn {money(best)}."
    )
    return Sentence("watch" if earned < 0 else tone, text)


def _segments(findings: Findings) -> Iterator[Sentence]:
    measured = [each for each in findings.segments if each.auc is not None and each.auc_high is not None]
    if not measured:
        return
    weakest = measured[0]
    below = [each for each in measured if each.auc_high is not None and each.auc_high < findings.evaluation.auc]
    yield Sentence(
        "watch" if below else "plain",
        f"Weakest segment: {weakest.column} {weakest.level}, AUC {weakest.auc:.3f} on {weakest.rows:,} borrowers;"
        f" {len(below)} of {len(measured)} segments lie below the whole beyond chance.",
    )


def _fairness(findings: Findings) -> Iterator[Sentence]:
    lowest = findings.lowest_approval_ratio
    if lowest is None:
        return
    group = min(
        (each for each in findings.fairness if each.approval_ratio is not None), key=lambda g: g.approval_ratio or 0
    )
    verdict = "below four fifths" if lowest < FOUR_FIFTHS else "within four fifths"
    yield Sentence(
        "watch" if lowest < FOUR_FIFTHS else "good",
        f"Approval by protected group: {group.attribute} {group.group} is approved {lowest:.2f} times as often as the"
        f" group approved most, {verdict}.",
    )


def _stability(findings: Findings) -> Iterator[Sentence]:
    if findings.stability is None:
        return
    psi = findings.stability.psi
    how_far = "little" if psi < LITTLE_DRIFT else "a lot" if psi >= MUCH_DRIFT else "noticeably"
    tone: Tone = "good" if psi < LITTLE_DRIFT else "watch"
    yield Sentence(tone, f"Scores have moved {how_far} from training to held-out rows (PSI {psi:.3f}).")
