"""Take each dataset's raw objects into its trusted table: one DAG a dataset, one run an arrival period."""

from firelake_airflow.declared import datasets
from firelake_airflow.pipeline import build_pipeline

for dataset in datasets().valid:
    globals()[f"{dataset.name}__pipeline"] = build_pipeline(dataset)
