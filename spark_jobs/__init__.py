"""The Spark side: shipped to the cluster as a zip beside each job. It knows nothing of Airflow."""
