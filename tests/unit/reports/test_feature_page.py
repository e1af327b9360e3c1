from __future__ import annotations

from arrears.contracts.tables.feature_catalogue import FeatureLine
from arrears.reports.feature_page import feature_page
from ops.write_feature_docs import PAGE, page


def a_line(name: str, **given: str) -> FeatureLine:
    return FeatureLine(**{  # type: ignore[arg-type]
        "name": name, "meaning": "What it is.", "type": "numeric", "unit": "EUR", "source": "loans", "window": "",
        "owner": "Risk",
    } | given)  # fmt: skip


def test_the_page_in_docs_is_the_one_that_the_descriptions_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m ops.write_feature_docs`"


def test_a_line_tells_all_that_is_known_of_a_feature() -> None:
    told = feature_page({"bank": [a_line("age", window="3 months")]})

    assert "## bank" in told
    assert "| `age` | What it is. | numeric | EUR | loans | 3 months | Risk |" in told


def test_features_stand_under_their_use_and_a_bar_in_a_text_does_not_end_its_cell() -> None:
    told = feature_page({"bank": [a_line("gender", use="fairness"), a_line("age", meaning="a|b\nc")]})

    assert told.index("May enter a model (1)") < told.index("`age`") < told.index("Protected") < told.index("`gender`")
    assert r"a\|b c" in told
    assert "Kept for information" not in told
