#!/bin/sh
# MWAA runs this at the start of every component. It unpacks plugins.zip into plugins/, with the declarations
# inside; the code looks for them beside that folder, where they are in the project.
home=${AIRFLOW_HOME:-/usr/local/airflow}
for folder in expectations include; do
    ln -sfn "$home/plugins/$folder" "$home/$folder"
done
# Workers are forked for every task, which threads would not survive.
export OPENBLAS_NUM_THREADS=1
