"""Rebuild summaries where their sources have changed: one Airflow DAG a table, one run an event partition."""

from firelake_airflow.declared import datasets, summaries
from firelake_airflow.summary import build_summary

known = {dataset.name: dataset for dataset in datasets().valid}
for summary in summaries(known.values()).valid:
    globals()[f"{summary.table.name}__summary"] = build_summary(summary, known)
