"""The lake inside Airflow's UI: pages made on the server, behind Airflow's login and DAG permissions."""
