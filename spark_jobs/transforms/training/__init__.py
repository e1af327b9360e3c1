"""Rows as a training takes them: order, folds, resampling, inputs."""
