"""Firelake's core: raw Firehose objects in, a trusted, accounted-for lake out. It knows no Airflow."""
