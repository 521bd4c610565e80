"""Make a dataset's rows of some event days anew from raw: one Airflow DAG a dataset, started by hand."""

from firelake_airflow.declared import datasets
from firelake_airflow.rebuild import build_rebuild

for dataset in datasets().valid:
    globals()[f"{dataset.name}__rebuild"] = build_rebuild(dataset)
