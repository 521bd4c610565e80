"""The lake's pages behind Airflow's own login and DAG permissions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from fastapi import FastAPI
from fastapi.testclient import TestClient
from firelake.errors import LakeUnreachable
from firelake.insight.overview import Overview
from firelake_airflow.ui.app import make_app

from tests.unit.ui.stub import HOSTILE, REPORT, RUN, StubReading, Told, declared

OWN, OTHER = "readings", "secrets"
DAG_IDS = (f"{OWN}__pipeline", f"{OTHER}__pipeline", "lake__lifecycle")
RUN_PATH = f"/lake/tables/{OWN}/runs/{RUN}"
PAGES = [
    "/lake/",
    "/lake/lake.css",
    "/lake/tiers",
    f"/lake/tables/{OWN}",
    f"/lake/tables/{OWN}/quality",
    RUN_PATH,
    f"{RUN_PATH}/quarantine",
    f"{RUN_PATH}/report",
    f"{RUN_PATH}/report.html",
    f"/lake/dags/{OWN}__pipeline",
    f"/lake/dags/{OWN}__pipeline/runs/manual__2026-11-22T10:00:00+00:00",
    "/lake/dags/lake__lifecycle",
]


@pytest.fixture(scope="module")
def dags(airflow_database: None) -> Iterator[None]:
    """Put the DAGs into Airflow's database that permissions are about."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(DagBundleModel(name="lake-pages"))
        session.flush()
        session.add_all(DagModel(dag_id=dag_id, bundle_name="lake-pages") for dag_id in DAG_IDS)
    yield
    with create_session() as session:
        for dag_id in DAG_IDS:
            session.delete(session.get(DagModel, dag_id))
        session.flush()
        session.delete(session.get(DagBundleModel, "lake-pages"))


@pytest.fixture
def reading() -> StubReading:
    return StubReading(declared(OWN, OTHER))


def mounted(reading: StubReading, page_seconds: float) -> FastAPI:
    """Return a server on which the pages are mounted as Airflow mounts them."""
    from airflow.api_fastapi.app import init_auth_manager

    server = FastAPI()
    server.mount("/lake", make_app(reading, page_seconds))
    init_auth_manager(server)
    return server


@pytest.fixture
def server(dags: None, reading: StubReading) -> FastAPI:
    return mounted(reading, page_seconds=60)


def signed_in(server: FastAPI) -> TestClient:
    """Return a client that is signed in as a viewer."""
    from airflow.api_fastapi.app import get_auth_manager

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="viewer", role="VIEWER"))
    client = TestClient(server, raise_server_exceptions=False)
    client.cookies.set("_token", token)
    return client


@pytest.fixture
def client(server: FastAPI) -> TestClient:
    return signed_in(server)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everybody read the DAGs of one dataset only, and nobody the runs of others."""

    def is_authorized_dag(self: SimpleAuthManager, *, details: Any = None, **_: Any) -> bool:
        return details is not None and details.id == f"{OWN}__pipeline"

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", is_authorized_dag)


@pytest.mark.parametrize("path", [*PAGES, "/lake/tables/nothing", "/lake/openapi.json", "/lake/docs"])
def test_without_login_there_is_nothing(server: FastAPI, path: str) -> None:
    answer = TestClient(server).get(path)
    assert answer.status_code in (401, 404)
    assert (answer.status_code == 401) is (path not in ("/lake/openapi.json", "/lake/docs"))
    assert OWN not in answer.text.replace(path, "")


def test_a_forged_token_is_refused(server: FastAPI) -> None:
    client = TestClient(server)
    client.cookies.set("_token", "forged")
    assert client.get("/lake/").status_code == 403


def test_airflow_mounts_the_pages_behind_its_login(airflow_database: None) -> None:
    from airflow.api_fastapi.app import create_app

    client = TestClient(create_app(apps="core"))
    assert client.get("/lake/").status_code == 401
    assert client.get("/lake/tables/iot_device_telemetry").status_code == 401


@pytest.mark.parametrize("path", PAGES)
def test_who_may_read_a_dag_sees_its_table(client: TestClient, narrow: None, path: str) -> None:
    if path == "/lake/dags/lake__lifecycle":
        assert client.get(path).status_code == 403
        return
    answer = client.get(path)
    assert answer.status_code == 200
    assert OTHER not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", [path.replace(OWN, OTHER) for path in PAGES if OWN in path])
def test_who_may_not_read_a_dag_learns_nothing_of_its_table(
    client: TestClient, narrow: None, path: str
) -> None:
    hidden, unknown = client.get(path), client.get(path.replace(OTHER, "unheard_of"))
    assert hidden.status_code == unknown.status_code
    assert hidden.status_code in (403, 404)
    assert hidden.text.replace(OTHER, "unheard_of") == unknown.text


def test_who_may_not_read_runs_sees_the_table_only(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_authorized_dag(self: SimpleAuthManager, *, access_entity: Any = None, **_: Any) -> bool:
        return access_entity is None

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", is_authorized_dag)
    assert client.get(f"/lake/tables/{OWN}").status_code == 200
    for path in (RUN_PATH, f"{RUN_PATH}/quarantine", f"{RUN_PATH}/report", f"{RUN_PATH}/report.html"):
        assert client.get(path).status_code == 403


def test_a_report_is_served_as_it_is_and_may_do_nothing(client: TestClient) -> None:
    answer = client.get(f"{RUN_PATH}/report.html")
    assert answer.content == REPORT
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    frame = client.get(f"{RUN_PATH}/report").text
    assert f'<iframe class="report" sandbox title="Quality report" src="{RUN_PATH}/report.html">' in frame


def test_a_dag_without_a_table_says_so(client: TestClient) -> None:
    answer = client.get("/lake/dags/lake__lifecycle")
    assert answer.status_code == 200
    assert "This DAG writes no table of its own" in answer.text


@pytest.mark.parametrize("path", ["/lake/?q=<script>x()</script>", f"/lake/tables/{HOSTILE[:20]}"])
def test_what_is_asked_for_is_shown_as_text(client: TestClient, path: str) -> None:
    assert "<script" not in client.get(path).text


def test_a_lake_that_does_not_answer_is_named(
    client: TestClient, reading: StubReading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> Overview:
        raise LakeUnreachable("s3://lake-ops: http://127.0.0.1:1 does not answer; start it")

    monkeypatch.setattr(reading, "overview", gone)
    answer = client.get("/lake/")
    assert answer.status_code == 503
    assert "The lake does not answer" in answer.text
    assert "http://127.0.0.1:1 does not answer; start it" in answer.text


def test_a_fault_shows_no_traceback(
    client: TestClient, reading: StubReading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Overview:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(reading, "overview", broken)
    answer = client.get("/lake/")
    assert answer.status_code == 500
    assert "This page could not be made" in answer.text
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


def test_a_lake_that_hangs_keeps_nobody_else_waiting(
    dags: None, reading: StubReading, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, may_go = threading.Event(), threading.Event()

    def hang(*_: Any) -> Overview:
        hangs.set()
        assert may_go.wait(120)
        raise AssertionError("nobody waits for this any more")

    monkeypatch.setattr(reading, "overview", hang)
    with signed_in(mounted(reading, page_seconds=1)) as client, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, "/lake/")
        assert hangs.wait(60)
        # The same event loop answers this while the page is still being made.
        assert client.get("/lake/lake.css").status_code == 200
        answer = waiting.result()
        may_go.set()
    assert answer.status_code == 503
    assert "The lake takes its time" in answer.text


@pytest.mark.parametrize(
    ("tries", "words"), [((), "has left nothing in the lake yet"), ((RUN, RUN), "2 tries")]
)
def test_a_runs_tab_shows_its_latest_try(
    client: TestClient, reading: StubReading, tries: tuple[str, ...], words: str
) -> None:
    reading.told = Told(tries=tries)
    answer = client.get(f"/lake/dags/{OWN}__pipeline/runs/manual__2026-11-22T10:00:00+00:00")
    assert answer.status_code == 200
    assert words in answer.text


def test_an_unknown_run_is_not_found(client: TestClient, reading: StubReading) -> None:
    reading.told = Told(full=False)
    answer = client.get(RUN_PATH)
    assert answer.status_code == 404
    assert f"Nothing is known of a run {RUN}" in answer.text
