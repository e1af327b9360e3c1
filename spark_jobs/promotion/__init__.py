"""A model on its way through the gate, and the log and aliases that follow."""
