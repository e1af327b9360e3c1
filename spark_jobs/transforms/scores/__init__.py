"""Counts and sums about scores over all rows."""
