"""Scored rows turned into findings: metrics, cut-offs, explanations, and the files of a report."""
