"""How good a model is, by every measure that Arrears states, with intervals, from sums."""
