"""Models beside default: loss given default, customer segments, next product."""
