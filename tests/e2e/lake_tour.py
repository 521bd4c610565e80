"""A walk through the lake's pages in Airflow's UI, watched for anything that goes wrong on the way."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import ConsoleMessage, FrameLocator, Locator, Page, expect

WAIT_MS = 120_000
# Where the documentation's pictures are written to; nowhere, unless asked for.
PICTURES = os.environ.get("FIRELAKE_PICTURES")
_PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
_ALSO_DARK = frozenset({"overview"})


@dataclass
class Tour:
    """A signed-in browser that looks at the lake.

    Parameters
    ----------
    page
        The browser's page.
    url
        Airflow's.
    scheme
        ``light`` or ``dark``.
    wrong
        What went wrong: errors, and requests that failed or left Airflow.
    """

    page: Page
    url: str
    scheme: str
    wrong: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note what goes wrong from now on."""
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on(
            "request",
            lambda asked: None if self._own(asked.url) else self.wrong.append(f"asked for {asked.url}"),
        )
        self.page.on(
            "response",
            lambda answer: (
                self.wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
            ),
        )

    def sign_in(self, user: str, password: str) -> None:
        """Sign in as a person does."""
        self.page.goto(self.url)
        self.page.fill("input[name=username]", user)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(f"{self.url}/")

    def open_from_navigation(self) -> FrameLocator:
        """Choose Lake in Airflow's navigation; return the frame."""
        self.page.get_by_role("link", name="Lake", exact=True).click()
        return self._frame("Lake")

    def open_tab(self, dag_id: str, run_id: str | None = None) -> FrameLocator:
        """Open the Lake tab of a DAG, or of one of its runs; return the frame."""
        run = f"/runs/{quote(run_id, safe='')}" if run_id else ""
        self.page.goto(f"{self.url}/dags/{dag_id}{run}")
        tab = "lake_run" if run_id else "lake_dag"
        self.page.locator(f"a[href$='/plugin/{tab}']").click()
        return self._frame(dag_id.partition("__")[0])

    def open_alone(self, path: str) -> None:
        """Open one of the pages outside Airflow's frame."""
        answer = self.page.goto(f"{self.url}/lake{path}")
        assert answer is not None
        assert answer.status == 200, path

    def picture(self, name: str) -> None:
        """Take a picture for the documentation, if that is asked for."""
        if PICTURES and (self.scheme == "light" or name in _ALSO_DARK):
            self._styled(self.page.frame_locator("iframe")).evaluate(_PAINTED)
            end = "-dark" if self.scheme == "dark" else ""
            self.page.screenshot(path=Path(PICTURES) / f"lake-{name}{end}.png")

    def is_dark(self, frame: FrameLocator) -> bool:
        """Tell whether the pages are light on dark."""
        colour: str = self._styled(frame).evaluate("one => getComputedStyle(one).backgroundColor")
        return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")) < 200

    def _styled(self, frame: FrameLocator) -> Locator:
        """Wait for the styles; a heading may be there before them."""
        html = frame.locator("html")
        expect(html).not_to_have_css("background-color", "rgba(0, 0, 0, 0)", timeout=WAIT_MS)
        return html

    def _frame(self, heading: str) -> FrameLocator:
        frame = self.page.frame_locator("iframe")
        expect(frame.get_by_role("heading", level=1)).to_contain_text(heading, timeout=WAIT_MS)
        return frame

    def _heard(self, said: ConsoleMessage) -> None:
        # Airflow's own frames are told of by the browser as a warning.
        if said.type == "error":
            self.wrong.append(said.text)

    def _own(self, url: str) -> bool:
        return url.startswith((f"{self.url}/", "data:", "blob:"))
