"""One file per Airflow task. Each runs by spark-submit and explains itself with --help."""
