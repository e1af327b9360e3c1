"""The embedded stack: every server that Arrears needs, real and on loopback, for one person's machine, and its demo.

Of what Airflow and Spark run, nothing imports it. `python -m local.stack --help` shows what it can do.
"""
