"""Write docs/reference/features.md from the descriptions that ship with Arrears: `python -m ops.write_feature_docs`."""

from __future__ import annotations

from pathlib import Path

from arrears.reports.feature_page import feature_page
from arrears.stores.bank_files import shipped_bank, shipped_banks
from arrears.stores.description_files import shipped_description, shipped_descriptions

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/features.md"


def page() -> str:
    """The page as it should be."""
    flat = {name: shipped_description(name).catalogue for name in shipped_descriptions()}
    return feature_page(flat | {name: shipped_bank(name).catalogue for name in shipped_banks()})


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
