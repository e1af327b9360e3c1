"""The objectives, which are what a model can learn, and what their models are called in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

DEFAULT, LOSS, SEGMENTS, NEXT_PRODUCT = "default", "loss", "segments", "next_product"
ObjectiveName: TypeAlias = Literal["default", "loss", "segments", "next_product"]

PREFIXES: Mapping[str, str] = {DEFAULT: "pd", LOSS: "lgd", SEGMENTS: "segments", NEXT_PRODUCT: "next_product"}
