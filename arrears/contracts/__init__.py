"""What the sides agree on: job configurations, dataset addresses, run facts and errors. Standard library only."""
