"""Who becomes champion among models of the objectives beside default: better than nothing, and than the champion.

See docs/adr/0041.
"""

from __future__ import annotations

from dataclasses import dataclass

from arrears.contracts.objectives import DEFAULT, LOSS, NEXT_PRODUCT, SEGMENTS
from arrears.model.gate.promotion import Decision
from arrears.model.gate.rules import COMPARED_DEFAULTS, COMPARED_ROWS, Metrics, Verdict, comparison_problem, number

# Estimates then follow the losses with a correlation of 0.1: below it they hardly distinguish one loan from another.
LEAST_R2 = 0.01


@dataclass(frozen=True)
class ObjectiveRule:
    """How models of one objective are judged.

    Attributes:
        compared: the metric that decides between candidate and champion on the same rows.
        lower_is_better: of that metric.
        skill: the metric that must exceed ``nothing``: a model that does not is worth nothing.
        nothing: what knowing nothing reaches: a number, or the metric that measures it.
        meaning: what that is, for a reader.
        least: a metric, and what it must reach besides: what is proven may still be too little to be of use.
    """

    compared: str
    skill: str
    nothing: float | str
    meaning: str
    lower_is_better: bool = False
    least: tuple[str, float] | None = None


RULES = {
    LOSS: ObjectiveRule(
        "rmse", "r2_low", 0.0, "always estimating the mean loss", lower_is_better=True, least=("r2", LEAST_R2)
    ),
    SEGMENTS: ObjectiveRule("silhouette", "silhouette", 0.0, "customers without any structure"),
    NEXT_PRODUCT: ObjectiveRule("ndcg", "ndcg", "popularity_ndcg", "offering everyone what most customers hold"),
}


def decide_objective(objective: str, candidate: Metrics, champion: Metrics | None) -> Decision:
    """Decides whether a candidate becomes champion of its objective. A tie keeps the champion.

    Args:
        candidate: metric name to value, measured on held-out rows. ``compared_…`` on those that neither it nor the
            champion has learnt from.
        champion: the present champion's metrics on the rows compared on. None: there is no champion yet.
    """
    rule = RULES[objective]
    alone = (_skill(rule, candidate), *_least(rule, candidate))
    against = _against(rule, candidate, champion, outcomes_count=needs_outcomes(objective))
    if not all(verdict.met for verdict in alone) or number(candidate, rule.compared) is None:
        return Decision("refused", (*alone, against))
    return Decision("promoted" if against.met else "kept", (*alone, against))


def needs_outcomes(objective: str) -> bool:
    """Whether models of an objective are about the outcome: segments and next products are not."""
    return objective in (DEFAULT, LOSS)


def _skill(rule: ObjectiveRule, candidate: Metrics) -> Verdict:
    value = number(candidate, rule.skill)
    limit = number(candidate, rule.nothing) if isinstance(rule.nothing, str) else rule.nothing
    rule_text = f"{rule.skill} > {rule.nothing}"
    if value is None or limit is None:
        lacking = rule.skill if value is None else rule.nothing
        reason = f"the candidate has no {lacking}: nothing tells whether it beats {rule.meaning}"
        return Verdict(rule_text, value, limit, False, reason)
    met = value > limit
    verb = "beats" if met else "does not beat"
    return Verdict(rule_text, value, limit, met, f"{rule.skill} {value:.4f} {verb} {rule.meaning} ({limit:.4f})")


def _least(rule: ObjectiveRule, candidate: Metrics) -> tuple[Verdict, ...]:
    if rule.least is None:
        return ()
    name, least = rule.least
    value, rule_text = number(candidate, name), f"{name} >= {least:g}"
    if value is None:
        return (Verdict(rule_text, None, least, False, f"the candidate has no {name}, which must reach {least:g}"),)
    met = value >= least
    return (
        Verdict(rule_text, value, least, met, f"{name} {value:.4f} {'reaches' if met else 'does not reach'} {least:g}"),
    )


def _against(rule: ObjectiveRule, candidate: Metrics, champion: Metrics | None, *, outcomes_count: bool) -> Verdict:
    if champion is None:
        value = number(candidate, rule.compared)
        reason = "there is no champion yet" if value is not None else f"the candidate has no {rule.compared}"
        return Verdict(f"{rule.compared} is measured", value, None, value is not None, reason)
    value, limit = number(candidate, f"compared_{rule.compared}"), number(champion, rule.compared)
    rule_text = f"{rule.compared} {'<' if rule.lower_is_better else '>'} the champion's"
    rows, defaults = number(candidate, COMPARED_ROWS), number(candidate, COMPARED_DEFAULTS)
    if problem := comparison_problem(rows, defaults, outcomes_count=outcomes_count):
        return Verdict(rule_text, value, limit, False, problem)
    if value is None or limit is None:
        whose = "candidate" if value is None else "champion"
        return Verdict(rule_text, value, limit, False, f"the {whose} has no {rule.compared} on these rows")
    met = value < limit if rule.lower_is_better else value > limit
    relation = "beats" if met else "equals" if value == limit else "does not beat"
    reason = (
        f"on {rows:,.0f} held-out rows that neither has learnt from, {rule.compared} {value:.6f} {relation} the"
        f" champion's {limit:.6f}"
    )
    return Verdict(rule_text, value, limit, met, reason)
