"""Every objective by its name, as ``--task`` gives it."""

from __future__ import annotations

from collections.abc import Mapping

from arrears.contracts.objectives import DEFAULT, LOSS, NEXT_PRODUCT, SEGMENTS
from spark_jobs.objectives import default, loss, next_product, segments
from spark_jobs.objectives.protocol import Objective

OBJECTIVES: Mapping[str, Objective] = {
    DEFAULT: default,
    LOSS: loss.OBJECTIVE,
    SEGMENTS: segments.OBJECTIVE,
    NEXT_PRODUCT: next_product.OBJECTIVE,
}
