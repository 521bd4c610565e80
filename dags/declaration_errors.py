"""Show what is wrong in include/ as Airflow's import error of this file, while every other DAG runs.

Airflow drops all DAGs of a file that has an import error; hence the error has a file of its own.
"""

from firelake_airflow.declared import datasets, raise_errors, summaries

declared = datasets()
raise_errors(declared.errors, summaries(declared.valid).errors)
