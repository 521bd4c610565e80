"""Apply the storage tiers that the datasets declare, daily (an Airflow DAG for the whole lake)."""

from firelake_airflow.lifecycle import build_lifecycle

lake__lifecycle = build_lifecycle()
