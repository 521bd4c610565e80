"""Erase records by personal data: one Airflow DAG for each dataset that holds any, approved by a person."""

from firelake_airflow.declared import datasets
from firelake_airflow.erase import build_erase, personal_columns

for dataset in datasets().valid:
    if personal_columns(dataset):
        globals()[f"{dataset.name}__erase"] = build_erase(dataset)
