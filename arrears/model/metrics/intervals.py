"""How sure an interval is: 95 %, of every interval that Arrears states."""

from __future__ import annotations

Z_95 = 1.959963984540054  # of the normal distribution: 19 times of 20 within so many deviations
