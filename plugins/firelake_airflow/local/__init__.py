"""Local AWS and Airflow on one's own machine: start, stop, and show the whole main job."""
