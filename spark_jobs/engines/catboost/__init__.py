"""CatBoost on Spark tasks: the exact model in one, shards in several, and what each needs of memory."""
