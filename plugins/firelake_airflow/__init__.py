"""Firelake in Airflow: what the files in dags/ are built from, and the stack on one's own machine."""
