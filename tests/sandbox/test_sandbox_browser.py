"""The page in a real browser: it refreshes itself, keeps what is open, and obeys its own policy."""

from __future__ import annotations

import shutil

import pytest

from plaudit.sandbox.server import Server

from .client import raw

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@pytest.mark.parametrize("width", [360, 1600])
async def test_the_page_lives(width: int) -> None:
    from playwright.async_api import async_playwright, expect

    async with Server(port=0) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": width, "height": 900})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: complaints.append(request.url) if server.url not in request.url else None,
        )

        await page.goto(server.url)
        await page.fill("#fault", "503x")
        await raw(server.port, "1001", recipientName="<i>Ada</i>")
        await expect(page.get_by_role("heading", name="<i>Ada</i>")).to_be_visible()
        assert await page.input_value("#fault") == "503x"

        await raw(server.port, "1002", recipientName="Grace")
        await expect(page.locator(".card")).to_have_count(2)
        await expect(page.get_by_text("How did we do with order 1001?")).to_be_visible()

        async with page.expect_navigation():
            await page.get_by_role("button", name="slow").click()
        await expect(page.get_by_text("1 fault on:")).to_be_visible()
        async with page.expect_navigation():
            await page.get_by_role("button", name="Switch slow=2 off").click()
        await expect(page.get_by_text("All is well")).to_be_visible()

        assert await page.evaluate("document.documentElement.scrollWidth") == width
        assert not complaints
        await browser.close()
