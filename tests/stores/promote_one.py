"""Promotes one MLflow run: one of the processes of test_promotion_records."""

from __future__ import annotations

import sys

from arrears.contracts.errors import ArrearsError
from arrears.contracts.job_configs.jobs import PromoteModelConfig
from spark_jobs.jobs import promote_model

if __name__ == "__main__":
    root, dataset, dataset_version, run_id = sys.argv[1:]
    config = PromoteModelConfig(root=root, dataset=dataset, dataset_version=dataset_version, mlflow_run_id=run_id)
    try:
        sys.stdout.write(promote_model.run(config).values["decision"])
    except ArrearsError as error:
        sys.stdout.write(str(error))
        sys.exit(error.exit_code)
