"""Compare raw, ledger, tables, catalog and Athena daily (an Airflow DAG for the whole lake)."""

from firelake_airflow.declared import datasets
from firelake_airflow.reconcile import build_reconcile

lake__reconcile = build_reconcile(datasets().valid)
