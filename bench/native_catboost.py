"""What a data scientist would run without Spark: Parquet into pandas, pandas into CatBoost. A process of its own."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


def main(folder: str, trees: str, threads: str, model: str) -> None:
    """Trains on every column but the label and the order, and prints seconds and peak memory as JSON."""
    started = time.monotonic()
    import pandas as pd
    from catboost import CatBoostClassifier, Pool

    loans = pd.concat([pd.read_parquet(path) for path in sorted(Path(folder).glob("*.parquet"))], ignore_index=True)
    features = [name for name in loans.columns if name not in ("is_default", "row_order")]
    pool = Pool(loans[features], label=loans["is_default"])
    read_seconds = time.monotonic() - started
    settings = {"iterations": int(trees), "thread_count": int(threads), "random_seed": 42, "depth": 6}
    trained = CatBoostClassifier(**settings, verbose=100, allow_writing_files=False).fit(pool)
    trained.save_model(model)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.monotonic() - started, "read_seconds": read_seconds, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main(*sys.argv[1:])
