"""Rows that are made up, the same on any cluster."""
