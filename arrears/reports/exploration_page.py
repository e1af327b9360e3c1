"""The page of an exploration: what a data set's features look like and what they tell about default."""

from __future__ import annotations

from arrears.model.features.binning import target_rates, weights_of_evidence
from arrears.model.features.exploration import Exploration, ExploredFeature
from arrears.reports.canvas import in_few_colours
from arrears.reports.exploration_figures import feature_plot, heat_map
from arrears.reports.pages import data_url, render

MOST_PLOTS = 200  # about 5 MB; a larger page fits in no mail
LISTED = 25
FULL_DRIFT = 0.5  # a bar of full length: far beyond what counts as a lot


def render_exploration_page(exploration: Exploration) -> str:
    """Writes the page as one HTML file: plots inside, styles inside, no scripts. Every value is escaped."""
    ranked = exploration.by_information
    strongest = max((f.power.information_value for f in ranked if f.power), default=0.0)
    return render(
        "exploration_page.html",
        ["model_page.css", "exploration_page.css"],
        found=exploration,
        labelled=exploration.defaults is not None,
        categories=sum(feature.counts.bins.levels is not None for feature in ranked),
        rows=[_ranking_row(feature, strongest) for feature in ranked],
        listed=LISTED,
        missing=_bars([(f.name, f.counts.missing_share) for f in exploration.by_missing], 1.0),
        drifts=_bars([(f.name, f.drift or 0.0) for f in exploration.by_drift], FULL_DRIFT),
        heat_map=data_url(heat_map(exploration.associations)) if len(exploration.associations.names) > 1 else "",
        cards=[_card(feature) for feature in ranked[:MOST_PLOTS]],
        most_plots=MOST_PLOTS,
    )


def _ranking_row(feature: ExploredFeature, strongest: float) -> dict[str, object]:
    value = feature.power.information_value if feature.power else 0.0
    return {
        "name": feature.name,
        "meaning": feature.meaning,
        "value": f"{value:.3f}",
        "width": round(100 * value / strongest, 1) if strongest else 0,
        "auc": f"{feature.power.auc:.3f}" if feature.power else "",
        "missing": _share(feature.counts.missing_share),
        "distinct": f"{feature.distinct_count:,}",
        "drift": "" if feature.drift is None else f"{feature.drift:.3f}",
    }


def _bars(values: list[tuple[str, float]], full: float) -> list[dict[str, object]]:
    return [{"name": name, "value": value, "width": round(min(100.0, 100 * value / full), 1)} for name, value in values]


def _card(feature: ExploredFeature) -> dict[str, object]:
    return {
        "name": feature.name,
        "meaning": feature.meaning,
        "plot": data_url(in_few_colours(feature_plot(feature))),
        "facts": _facts(feature),
        "parts": "Bins of about equal rows" if feature.counts.bins.levels is None else "Levels",
        "bins": _bin_table(feature),
    }


def _facts(feature: ExploredFeature) -> list[tuple[str, str]]:
    facts = [("missing", _share(feature.counts.missing_share)), ("distinct", f"{feature.distinct_count:,}")]
    if feature.power:
        facts += [
            ("information value", f"{feature.power.information_value:.3f}"),
            ("AUC alone", f"{feature.power.auc:.3f}"),
        ]
    if feature.drift is not None:
        facts.append(("drift (PSI)", f"{feature.drift:.3f}"))
    if feature.numbers:
        numbers = feature.numbers
        facts += [("mean", _sum_of(numbers.mean)), ("standard deviation", _sum_of(numbers.deviation))]
        facts.append(("minimum", _number(numbers.minimum)))
        names = {0.01: "1 %", 0.05: "5 %", 0.25: "25 %", 0.5: "median", 0.75: "75 %", 0.95: "95 %", 0.99: "99 %"}
        facts += [(names.get(share, f"{share:g}"), _number(value)) for share, value in numbers.quantiles.items()]
        facts.append(("maximum", _number(numbers.maximum)))
    elif feature.counts.bins.levels:
        share = feature.counts.rows[0] / max(sum(feature.counts.rows), 1)
        facts.append(("commonest", f"{feature.counts.bins.levels[0]} ({_share(share)})"))
    return facts


def _bin_table(feature: ExploredFeature) -> list[dict[str, str]]:
    counts = feature.counts
    total = max(sum(counts.rows), 1)
    table = [
        {"label": label, "rows": f"{rows:,}", "share": _share(rows / total), "rate": "", "interval": "", "weight": ""}
        for label, rows in zip(counts.bins.labels, counts.rows, strict=True)
    ]
    if counts.defaults is not None:
        for row, rate, weight in zip(table, target_rates(counts), weights_of_evidence(counts), strict=True):
            row["rate"], row["weight"] = f"{100 * rate.rate:.1f} %", f"{weight:+.2f}"
            row["interval"] = f"{100 * rate.low:.1f} to {100 * rate.high:.1f} %"
    return [row for row, rows in zip(table, counts.rows, strict=True) if rows]


def _sum_of(value: float | None) -> str:
    return "too large to tell" if value is None else _number(value)


def _number(value: float) -> str:
    """A number in the five or so digits that a reader compares."""
    if value and not 1e-3 <= abs(value) < 1e9:
        return f"{value:.3g}"
    digits = 0 if abs(value) >= 1000 else 2 if abs(value) >= 10 else 4
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"


def _share(share: float) -> str:
    """A share that says 0 % and 100 % only where it is exactly that."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    return f"{min(max(100 * share, 0.1), 99.9):.1f} %"
