"""Scoring a batch with a fitted model: the one code that batch, REST and evaluation share."""
