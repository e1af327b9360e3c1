"""A bank's tables to features and labels: contracts, joins, windows, what was known when."""
