"""Airflow's side of Arrears: settings, assets, forms, the one way to submit Spark work, and report mails.

It knows the jobs only by their contracts (`arrears.contracts`): no Spark, no pandas, no model library is imported here.
"""
