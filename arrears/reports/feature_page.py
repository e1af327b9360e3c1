"""The feature catalogue as a page that a regulator can read: one Markdown table a data set, one line a feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arrears.contracts.tables.feature_catalogue import FeatureLine

_INTRODUCTION = """# Feature catalogue

What every feature is, where it comes from, who answers for it, and whether a model may see it. This page is made from
the descriptions in `descriptions` by `python -m ops.write_feature_docs`: change those, not this.
"""

_USES = {
    "model": "May enter a model",
    "fairness": "Protected: only fairness reports may read it",
    "information": "Kept for information: no model learns from it",
}
_COLUMNS = ("name", "meaning", "type", "unit", "source", "window", "owner")


def feature_page(catalogues: Mapping[str, Sequence[FeatureLine]]) -> str:
    """The page of all data sets, by name, in Markdown. Features keep the order of their catalogue."""
    return "\n".join([_INTRODUCTION, *(_data_set(name, lines) for name, lines in catalogues.items())])


def _data_set(name: str, lines: Sequence[FeatureLine]) -> str:
    used = {use: [line for line in lines if line.use == use] for use in _USES}
    parts = [f"## {name}\n", *(_table(_USES[use], chosen) for use, chosen in used.items() if chosen)]
    return "\n".join(parts)


def _table(title: str, lines: Sequence[FeatureLine]) -> str:
    rows = [f"| {' | '.join(_cell(line, column) for column in _COLUMNS)} |" for line in lines]
    header = f"| {' | '.join(_COLUMNS)} |\n| {' | '.join('---' for _ in _COLUMNS)} |"
    return f"### {title} ({len(lines)})\n\n{header}\n" + "\n".join(rows) + "\n"


def _cell(line: FeatureLine, column: str) -> str:
    text = " ".join(getattr(line, column).split()).replace("|", r"\|")
    return f"`{text}`" if column == "name" else text or "at the decision"
