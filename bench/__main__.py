"""Run all benchmarks of speed, or those named: `python -m bench demo-warm`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from bench.contract_bench import contracts
from bench.demo import demo_cold, demo_warm
from bench.point_in_time_bench import pit_join, pit_join_growth
from bench.quality import BENCHMARKS as QUALITY
from bench.results import Measurement, keep, shown
from bench.rivals import rivals
from bench.training_bench import pool_load, train_exact, train_exact_memory, train_sharded, train_sharded_auc

BENCHMARKS: dict[str, Callable[[], Measurement]] = {
    "contracts": contracts,
    "demo-cold": demo_cold,
    "demo-warm": demo_warm,
    "pit-join": pit_join,
    "pit-join-growth": pit_join_growth,
    "pool-load": pool_load,
    "rivals": rivals,
    "train-exact": train_exact,
    "train-exact-memory": train_exact_memory,
    "train-sharded": train_sharded,
    "train-sharded-auc": train_sharded_auc,
    **QUALITY,  # by `make bench-quality`: it needs real borrowers
}


def main() -> int:
    """Measure, show and store. Exit 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; none: all")
    names = parser.parse_args().names or [name for name in BENCHMARKS if name not in QUALITY]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    measurements = []
    for name in names:
        measurement = BENCHMARKS[name]()
        keep(measurement)
        measurements.append(measurement)
    print(shown(measurements))
    return 0 if all(measurement.is_met for measurement in measurements) else 1


if __name__ == "__main__":
    sys.exit(main())
