"""Compare what arrives with what the specs declare, daily (an Airflow DAG for the whole lake)."""

from firelake_airflow.declared import datasets
from firelake_airflow.drift import build_drift

lake__drift = build_drift(datasets().valid)
