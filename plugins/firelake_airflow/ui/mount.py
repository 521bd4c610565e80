"""The pages as an application that costs nothing where nobody asks for a page."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send


class LakePages:
    """An ASGI application that is made at the first request.

    Every process of Airflow loads plugins, also those that parse DAGs; only the API server answers pages.
    """

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._app: FastAPI | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        # Reading the libraries takes seconds, in which the server has others to answer.
        app = self._app if self._app is not None else await asyncio.to_thread(self._made)
        await app(scope, receive, send)

    def _made(self) -> FastAPI:
        with self._making:
            if self._app is None:
                from firelake.insight.reading import Reading
                from firelake.layout import Lake

                from firelake_airflow.ui.app import make_app
                from firelake_airflow.ui.declarations import Declarations

                self._app = make_app(Reading(Lake.from_environment(), Declarations().read))
            return self._app
