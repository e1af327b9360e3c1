"""What numbers say about a model: metrics from counts, intervals, the promotion gate, risk limits."""

from __future__ import annotations
