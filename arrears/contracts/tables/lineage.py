"""Which rows a model has learnt from: its lineage, an exact set of ids that is kept with it.

Every row of the training set counts, whatever slice it lay in: it ended the training early, fitted the calibration or
the cut-off, or was thinned out by the sampling. Where rows have customers, a customer counts with all rows.

It is the third part of what was known when. `arrears.contracts.tables.knowledge` tells the two others: from when on a
row is known, and how a decision turned out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

KIND, KEY = "kind", "key"
ROW, CUSTOMER = "row", "customer"

_TAG = "arrears.lineage"


@dataclass(frozen=True)
class Lineage:
    """Where a model's lineage lies, and how much it holds.

    Attributes:
        address: folder of Parquet files: ``kind`` (row or customer) and ``key`` (the id as text), sorted.
        rows, customers: how many ids of each there are.
    """

    address: str
    rows: int
    customers: int

    @property
    def tags(self) -> dict[str, str]:
        """What MLflow keeps with the run of the model."""
        return {_TAG: self.address, f"{_TAG}.rows": str(self.rows), f"{_TAG}.customers": str(self.customers)}

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Lineage | None:
        """Reads the tags of a run. None where the model comes of a version that kept no lineage."""
        if _TAG not in tags:
            return None
        return cls(tags[_TAG], int(tags[f"{_TAG}.rows"]), int(tags[f"{_TAG}.customers"]))
