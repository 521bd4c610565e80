"""What Airflow's scheduler and API server must know of Firelake."""

from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin
from firelake_airflow.pools import EnsurePools
from firelake_airflow.reach import ReachMapper
from firelake_airflow.timetable import ArrivalPeriodTimetable
from firelake_airflow.ui.mount import LakePages

_PREFIX = "/lake"
# Airflow may be served below a path of its own.
_LAKE = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + _PREFIX


class FirelakePlugin(AirflowPlugin):
    """Registers the timetable that pipelines run on, and the lake's pages."""

    name = "firelake"
    timetables = [ArrivalPeriodTimetable]  # noqa: RUF012 - Airflow's own attribute
    partition_mappers = [ReachMapper]  # noqa: RUF012 - Airflow's own attribute
    listeners = [EnsurePools()]  # noqa: RUF012 - as above
    fastapi_apps = [{"app": LakePages(), "url_prefix": _PREFIX, "name": "Lake"}]  # noqa: RUF012 - as above
    external_views = [  # noqa: RUF012 - as above
        {
            "name": "Lake",
            "href": f"{_LAKE}/",
            "url_route": "lake",
            "destination": "nav",
            "nav_top_level": True,
        },
        {
            "name": "Lake",
            "href": f"{_LAKE}/dags/{{DAG_ID}}",
            "url_route": "lake_dag",
            "destination": "dag",
        },
        {
            "name": "Lake",
            "href": f"{_LAKE}/dags/{{DAG_ID}}/runs/{{RUN_ID}}",
            "url_route": "lake_run",
            "destination": "dag_run",
        },
    ]
