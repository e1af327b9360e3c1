"""Rows of borrowers: their columns, checks, splits and samples."""
