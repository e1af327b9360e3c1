"""DataFrame → DataFrame, pure and lazy: no session, paths, clock, environment or MLflow."""
