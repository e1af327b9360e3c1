"""Spark tasks that ask a trained model: scores, offers, segments, contributions."""
