"""The shipped bank with a tenth of its features: the same ways through the code in a tenth of Spark's compiling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from arrears.stores.bank_files import shipped_bank_text
from arrears.stores.yaml_records import parsed

DERIVED = ("debt_to_income", "utilisation", "months_on_book", "decided_weekday", "age_months", "age_band")


def small_bank(folder: Path, months: int = 3) -> str:
    """Writes the description, with windows of so many months; returns its path."""
    bank: dict[str, Any] = parsed(shipped_bank_text("synthetic_bank"), where="the shipped bank", such_as="")
    windows = [3] if months == 3 else [3, months]
    bank["views"]["repayment_behaviour"] |= {"months": windows, "amounts": ["paid_amount"]}
    bank["derived"] = {name: bank["derived"][name] for name in DERIVED}
    columns = {*bank["tables"]["loans"]["columns"], *bank["tables"]["customers"]["columns"], *DERIVED}
    columns |= {"balance_amount", "credit_score", "days_since_last_event", "months_since_arrears"}
    kept = ("event_count", "worst_days", "arrears_count", "paid_amount")
    bank["catalogue"] = {
        name.replace("{3,6,12}", f"{{{','.join(map(str, windows))}}}"): line
        for name, line in bank["catalogue"].items()
        if name in columns or (name.startswith(kept) and "{3,6,12}" in name)
    }
    path = folder / f"small_bank_{months}.yaml"
    path.write_text(yaml.safe_dump(bank, allow_unicode=True, sort_keys=False))
    return str(path)
