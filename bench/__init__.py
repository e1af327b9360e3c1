"""Benchmarks: each prints a table for people and adds one line to bench/results.jsonl. `make bench` runs them."""
