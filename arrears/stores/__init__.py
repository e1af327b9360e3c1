"""Every effect outside Spark: S3 objects, locks, the MLflow registry, dataset descriptions."""
