"""Expire snapshots, remove orphans, join small files, weekly (an Airflow DAG for the whole lake)."""

from firelake_airflow.declared import datasets, summaries
from firelake_airflow.maintenance import build_maintenance

known = datasets().valid
lake__maintenance = build_maintenance(known, summaries(known).valid)
