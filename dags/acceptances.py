"""Publish a batch that the gate refused: one Airflow DAG a dataset, for a steward who answers for it."""

from firelake_airflow.accept import build_accept
from firelake_airflow.declared import datasets

for dataset in datasets().valid:
    globals()[f"{dataset.name}__accept"] = build_accept(dataset)
