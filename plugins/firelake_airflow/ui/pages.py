"""Rendering pages beside the event loop, within a time limit, and with headers that let nothing in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from firelake.quality.report import environment

from firelake_airflow.ui import wording

_TEMPLATES = Path(__file__).parent / "templates"
_PAGES = 8
_COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE_HEADERS = _COMMON_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
}
# A report is a page of its own, with its styles in it; it can neither run, fetch nor leave.
_REPORT_HEADERS = _COMMON_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
}

Context = dict[str, Any]


class PageTimeoutError(Exception):
    """The lake has not answered within the time that a page may take."""


class Pages:
    """Makes pages.

    Parameters
    ----------
    seconds
        How long a page may take. What it waits for goes on, and the next try finds it done.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # Airflow's own requests share one pool of threads; a slow lake must not use it up.
        self._pool = ThreadPoolExecutor(_PAGES, thread_name_prefix="lake-page")
        self._environment = environment(_TEMPLATES)
        self._environment.filters |= {
            "span": wording.span,
            "minute": wording.minute,
            "or_dash": wording.or_dash,
            "size_or_dash": wording.size_or_dash,
            "money": wording.money,
        }

    async def show(self, request: Request, template: str, context: Callable[[], Context]) -> Response:
        """Return a page from what a function reads from the lake.

        Raises
        ------
        PageTimeoutError
            If it takes too long.
        """
        return await self.beside(lambda: self.render(request, template, context()))

    async def beside(self, make: Callable[[], Response]) -> Response:
        """Return an answer that is made beside the event loop; PageTimeoutError as :meth:`show`."""
        making = asyncio.wrap_future(self._pool.submit(make))
        try:
            return await asyncio.wait_for(making, self._seconds)
        except TimeoutError as error:
            raise PageTimeoutError from error

    def render(self, request: Request, template: str, context: Context, status: int = 200) -> HTMLResponse:
        """Return a page."""
        root = request.scope.get("root_path", "")
        page = self._environment.get_template(template).render(root=root, **context)
        return HTMLResponse(page, status, _PAGE_HEADERS)

    def stylesheet(self) -> Response:
        """Return the styles of all pages: those of the quality report, and what pages add."""
        styles = self._environment.get_template("lake.css").render()
        return Response(
            styles, headers=_COMMON_HEADERS | {"Cache-Control": "no-cache"}, media_type="text/css"
        )


def report_response(report: bytes) -> Response:
    """Return a quality report as the lake has it."""
    return Response(report, headers=_REPORT_HEADERS, media_type="text/html; charset=utf-8")
