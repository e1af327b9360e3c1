"""Counts and sums about features over all rows."""
