"""The lake's pages as a FastAPI application, to be mounted in Airflow's API server."""

from __future__ import annotations

import logging
from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag, requires_authenticated
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from firelake.errors import FirelakeError, LakeUnreachable
from firelake.insight.reading import Reading
from starlette.exceptions import HTTPException as StarletteHTTPException

from firelake_airflow.runs import run_origin
from firelake_airflow.ui import views
from firelake_airflow.ui.access import (
    ReadableDagsDep,
    ReadingDep,
    RunsOfDep,
    SubjectDep,
    VisibleDep,
    subject_of,
)
from firelake_airflow.ui.pages import Pages, PageTimeoutError, report_response

_log = logging.getLogger(__name__)
_PAGE_SECONDS = 20.0
_TITLES = {
    401: "You are not signed in",
    403: "You may not see this",
    404: "There is nothing here",
    405: "That is no way to ask",
}

router = APIRouter()


def make_app(reading: Reading, page_seconds: float = _PAGE_SECONDS) -> FastAPI:
    """Return the application that shows a lake.

    Parameters
    ----------
    page_seconds
        How long a page may take.
    """
    app = FastAPI(
        title="Lake",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # An application that a plugin mounts is open to the world unless it says otherwise.
        dependencies=[Depends(requires_authenticated())],
    )
    app.state.reading = reading
    app.state.pages = Pages(page_seconds)
    app.include_router(router)
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(LakeUnreachable, _unreachable)
    app.add_exception_handler(PageTimeoutError, _too_slow)
    app.add_exception_handler(FirelakeError, _failed)
    app.add_exception_handler(Exception, _failed)
    return app


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


PagesDep = Annotated[Pages, Depends(_pages)]


@router.get("/lake.css")
def stylesheet(pages: PagesDep) -> Response:
    """Return the pages' styles."""
    return pages.stylesheet()


@router.get("/")
async def overview(
    request: Request,
    pages: PagesDep,
    reading: ReadingDep,
    visible: VisibleDep,
    q: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """Show how all datasets stand."""
    return await pages.show(request, "overview.html.j2", lambda: views.overview(reading, visible, q.strip()))


@router.get("/tiers")
async def tiers(request: Request, pages: PagesDep, reading: ReadingDep, visible: VisibleDep) -> Response:
    """Show storage by tier, and what moves next."""
    return await pages.show(request, "tiers.html.j2", lambda: views.tiers(reading, visible))


@router.get("/tables/{table}")
async def table(
    request: Request, pages: PagesDep, reading: ReadingDep, subject: SubjectDep, dag_ids: ReadableDagsDep
) -> Response:
    """Show one table."""
    return await pages.show(request, "table.html.j2", lambda: views.table(reading, subject, dag_ids))


@router.get("/tables/{table}/quality")
async def quality(request: Request, pages: PagesDep, reading: ReadingDep, subject: SubjectDep) -> Response:
    """Show each rule's history."""
    return await pages.show(request, "quality.html.j2", lambda: views.quality(reading, subject))


@router.get("/tables/{table}/runs/{run_id}")
async def run(
    request: Request, pages: PagesDep, reading: ReadingDep, subject: RunsOfDep, run_id: str
) -> Response:
    """Show one run."""
    return await pages.show(request, "run.html.j2", lambda: views.run(reading, subject, run_id))


@router.get("/tables/{table}/runs/{run_id}/quarantine")
async def quarantine(
    request: Request,
    pages: PagesDep,
    reading: ReadingDep,
    subject: RunsOfDep,
    run_id: str,
    reason: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Show the records that a run refused."""
    return await pages.show(
        request, "quarantine.html.j2", lambda: views.quarantine(reading, subject, run_id, reason)
    )


@router.get("/tables/{table}/runs/{run_id}/report")
async def report(
    request: Request, pages: PagesDep, reading: ReadingDep, subject: RunsOfDep, run_id: str
) -> Response:
    """Show a run's quality report, in a frame."""
    return await pages.show(request, "report.html.j2", lambda: views.report(reading, subject, run_id))


@router.get("/tables/{table}/runs/{run_id}/report.html")
async def report_page(pages: PagesDep, reading: ReadingDep, subject: RunsOfDep, run_id: str) -> Response:
    """Return a run's quality report as the lake has it."""
    return await pages.beside(
        lambda: report_response(reading.report(views.report(reading, subject, run_id)["run"].report_key))
    )


@router.get("/dags/{dag_id}", dependencies=[Depends(requires_access_dag("GET"))])
async def dag(
    request: Request,
    pages: PagesDep,
    reading: ReadingDep,
    visible: VisibleDep,
    dag_ids: ReadableDagsDep,
    dag_id: str,
) -> Response:
    """Show the table that a DAG is about, in the DAG's tab."""
    subject = subject_of(visible, dag_id)
    if subject is None:
        return pages.render(request, "other.html.j2", {"page": "other", "dag_id": dag_id})
    return await pages.show(request, "table.html.j2", lambda: views.table(reading, subject, dag_ids))


@router.get(
    "/dags/{dag_id}/runs/{dag_run_id:path}",
    dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.RUN))],
)
async def dag_run(
    request: Request,
    pages: PagesDep,
    reading: ReadingDep,
    visible: VisibleDep,
    dag_id: str,
    dag_run_id: str,
) -> Response:
    """Show what a run of a DAG did to its table, in the run's tab."""
    subject = subject_of(visible, dag_id)
    if subject is None:
        return pages.render(request, "other.html.j2", {"page": "other", "dag_id": dag_id})
    origin = run_origin(dag_run_id)
    return await pages.show(request, "run.html.j2", lambda: views.run_of_origin(reading, subject, origin))


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, StarletteHTTPException):
        raise error
    title = _TITLES.get(error.status_code, "That did not work")
    return _error_page(request, error.status_code, title, str(error.detail))


async def _unreachable(request: Request, error: Exception) -> Response:
    _log.warning("The lake does not answer: %s", error)
    return _error_page(request, 503, "The lake does not answer", str(error))


async def _too_slow(request: Request, _error: Exception) -> Response:
    said = "It is still being read. Load this page again in a moment."
    return _error_page(request, 503, "The lake takes its time", said)


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("%s could not be shown", request.url.path, exc_info=error)
    said = str(error) if isinstance(error, FirelakeError) else "The API server's log says why."
    return _error_page(request, 500, "This page could not be made", said)


def _error_page(request: Request, status: int, title: str, said: str) -> Response:
    context = {"page": "error", "title": title, "said": said, "signed_in": status != 401}
    return _pages(request).render(request, "error.html.j2", context, status)
