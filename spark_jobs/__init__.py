"""The Spark side: shipped to the cluster as a zip beside each job; knows nothing of Airflow."""
