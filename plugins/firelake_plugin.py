"""What Airflow's scheduler and API server must know of Firelake."""

from airflow.plugins_manager import AirflowPlugin
from firelake_airflow.timetable import ArrivalPeriodTimetable


class FirelakePlugin(AirflowPlugin):
    """Registers the timetable that pipelines run on."""

    name = "firelake"
    timetables = [ArrivalPeriodTimetable]  # noqa: RUF012 - Airflow's own attribute
