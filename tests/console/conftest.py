"""A whole Plaudit with its sandbox, and a Chromium that is signed in to its console.

`Console.shot` keeps what a page looks like under tests/console/shots/ (not in git), in light and dark, at 360 and 1600
px. `Console.sound` is what every page has to pass: axe-core finds nothing, nothing scrolls sideways, and the browser
has nothing to complain of.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from plaudit.app import Options, Plaudit
from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.manage import passwords
from plaudit.sandbox.server import Server
from plaudit.store.access import Role
from sdk import needs
from sdk.browser import QUIET
from support import config

SHOTS = Path(__file__).parent / "shots"
PASSWORD = "correct horse battery"
WIDTHS = (360, 1600)
AXE = needs.MODULES / "axe-core/axe.min.js"


class Console:
    """The server, the sandbox that it sends to, and the page of whoever is signed in."""

    def __init__(self, plaudit: Plaudit, sandbox: Server, page: Page) -> None:
        self.plaudit = plaudit
        self.sandbox = sandbox
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    @property
    def url(self) -> str:
        return self.plaudit.url

    async def open(self, path: str) -> Page:
        await self.page.goto(f"{self.url}{path}")
        return self.page

    async def sign_in(self, role: Role = Role.ADMIN) -> None:
        """As somebody of this role, who is made first."""
        await self.plaudit.store.access.add_person(role.value, role, await passwords.make(PASSWORD), 1)
        page = await self.open("/sign-in")
        await page.fill("[name=name]", role.value)
        await page.fill("[name=password]", PASSWORD)
        await page.click("button:has-text('Sign in')")
        await page.wait_for_url(lambda url: "/sign-in" not in url)

    async def shot(self, name: str) -> None:
        """The page as it is, four times."""
        async for theme, width in self._ways():
            await self._picture(f"{name}-{theme}-{width}")

    async def sound(self, name: str) -> None:
        """Whether the page is fit to be used, in every way that a machine can tell; and its pictures."""
        async for theme, width in self._ways():
            await self._picture(f"{name}-{theme}-{width}")
            where = f"{name}, {theme}, {width} px"
            assert await self.page.evaluate("document.documentElement.scrollWidth") <= width, where
            assert not (found := await violations(self.page)), (where, found)
        assert not self.complaints, (name, self.complaints)

    async def _ways(self) -> AsyncIterator[tuple[str, int]]:
        for theme in ("light", "dark"):
            await self.page.emulate_media(color_scheme=theme)
            for width in WIDTHS:
                await self.page.set_viewport_size({"width": width, "height": 900})
                yield theme, width
        await self.page.emulate_media(color_scheme="light")

    def picture(self, name: str) -> Path:
        """Where one is kept."""
        SHOTS.mkdir(exist_ok=True)
        return SHOTS / f"{name}.png"

    async def _picture(self, name: str) -> None:
        await self.page.screenshot(path=self.picture(name), full_page=True)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.complaints.append(f"asks for {request.url}")


async def violations(page: Page) -> list[str]:
    """What axe-core finds. It is put in beside the page's own policy, through the debugger."""
    if await page.evaluate("typeof axe") == "undefined":
        await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    needs.node()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=needs.chromium(), args=list(QUIET))
        yield browser
        await browser.close()


@pytest.fixture
async def bare(tmp_path: Path, browser: Browser) -> AsyncIterator[Console]:
    """A server that nobody has set up: no source, no destination, no person."""
    async with Server(port=0) as sandbox:
        plaudit = Plaudit(Options(data=tmp_path / "data", port=0))
        await plaudit.start()
        context = await browser.new_context(locale="en-GB", timezone_id="Europe/Copenhagen")
        yield Console(plaudit, sandbox, await context.new_page())
        await context.close()
        await plaudit.stop()


@pytest.fixture
async def console(tmp_path: Path, browser: Browser) -> AsyncIterator[Console]:
    """With a source, a destination at the sandbox, and an admin who is signed in."""
    async with Server(port=0) as sandbox:
        plaudit = Plaudit(Options(data=tmp_path / "data", port=0))
        await plaudit.start(parse(config(sandbox.url), destinations()))
        context = await browser.new_context(locale="en-GB", timezone_id="Europe/Copenhagen")
        found = Console(plaudit, sandbox, await context.new_page())
        await found.sign_in()
        yield found
        await context.close()
        await plaudit.stop()
