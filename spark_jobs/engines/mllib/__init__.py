"""Spark's own learners, made plain tables that numpy scores."""
