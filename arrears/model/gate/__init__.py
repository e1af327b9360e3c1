"""Whether a model may become champion: the rules, the comparison, the decision."""
