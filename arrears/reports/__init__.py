"""What people look at: plots and pages made from figures that are already computed."""

from __future__ import annotations
