"""Who is champion: candidates, the change of the alias with its record, and the report that is kept with it.

Of the core: it knows neither Spark nor Airflow.
"""
