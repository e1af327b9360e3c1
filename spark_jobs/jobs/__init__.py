"""One file per Airflow task; each runs by spark-submit and explains itself with --help."""
