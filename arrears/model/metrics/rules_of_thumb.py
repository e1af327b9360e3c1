"""The limits that reports judge a model by, each with its source. They colour a report and stop no model.

What stops a model are the floors and ceilings of its data set's description (`arrears.contracts.gate_rules`). Pages,
sentences and notes read these limits, and a test holds the glossary to them.
"""

from __future__ import annotations

# Population stability index (Siddiqi 2006, Credit Risk Scorecards).
LITTLE_DRIFT = 0.1
MUCH_DRIFT = 0.25

# Uniform Guidelines on Employee Selection Procedures 1978, section 4D: a group's approval rate over the highest one's.
FOUR_FIFTHS = 0.8

# The usual level of significance: a smaller p-value of Hosmer and Lemeshow's test rejects the probabilities.
REJECTED_P = 0.05
