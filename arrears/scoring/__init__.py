"""Scoring a batch with a fitted model: the one code that batch scoring, evaluation and MLflow's models share."""
