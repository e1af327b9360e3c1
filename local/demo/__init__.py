"""The demo: every DAG run once on real borrowers, and what came of it."""
