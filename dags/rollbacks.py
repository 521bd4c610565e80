"""Let readers see an earlier snapshot of a dataset: one Airflow DAG a dataset, approved by a person."""

from firelake_airflow.declared import datasets
from firelake_airflow.rollback import build_rollback

for dataset in datasets().valid:
    globals()[f"{dataset.name}__rollback"] = build_rollback(dataset)
