"""A shop's page with analytics.js in a real Chromium, on an origin that is not Plaudit's.

The page is `shop.html` with the package's own prebuilt bundle, as a shop would host it. Everything that the
browser asks for is recorded, preflights too, and so is every word on its console.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

from playwright.async_api import Page, async_playwright

from support import WRITE_KEY

from .needs import HERE, MODULES

BUNDLE = MODULES / "@segment/analytics-next/dist/umd/index.js"
# Without the last five Chromium calls its maker's servers, which tests have no business with.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Request(NamedTuple):
    """One request of the page's and its answer; a preflight's method is OPTIONS, no answer yet is 0."""

    method: str
    url: str
    status: int = 0


class Shop:
    """The shop's page, open in the browser. `complaints` is what the console showed as warning or error."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self._requests: dict[str, Request] = {}
        self.complaints: list[str] = []

    async def watch(self) -> None:
        network = await self.page.context.new_cdp_session(self.page)
        network.on("Network.requestWillBeSent", self._asked)
        network.on("Network.responseReceived", self._answered)
        await network.send("Network.enable")
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None,
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @property
    def requests(self) -> list[Request]:
        """What the browser has asked for so far, in order."""
        return list(self._requests.values())

    def answered(self, *methods: str) -> bool:
        """Whether there were requests with these methods, and every request has its answer."""
        return set(methods) <= {r.method for r in self.requests} and all(r.status for r in self.requests)

    async def load(self, url: str, options: dict[str, Any] | None = None, key: str = WRITE_KEY) -> None:
        """Open the page and start analytics.js with Plaudit as its only source of settings."""
        await self.page.goto(self.origin)
        await self.page.evaluate(
            "([settings, options]) => shop.load(settings, options)",
            [{"writeKey": key, "cdnURL": url}, options or {}],
        )

    async def call(self, method: str, *words: Any) -> str:
        """Call a method of analytics.js; the event's message id, when the SDK is through with its first try."""
        return str(await self.page.evaluate("(call) => shop.call(...call)", [method, *words]))

    async def order(self, order: dict[str, Any]) -> str:
        return await self.call("track", "Order Completed", order)

    async def failures(self) -> list[dict[str, Any]]:
        """The SDK's own `error` events: code and reason."""
        found: list[dict[str, Any]] = await self.page.evaluate("failures")
        return found

    def _asked(self, event: dict[str, Any]) -> None:
        request = event["request"]
        self._requests[event["requestId"]] = Request(request["method"], request["url"])

    def _answered(self, event: dict[str, Any]) -> None:
        request = self._requests[event["requestId"]]
        self._requests[event["requestId"]] = request._replace(status=event["response"]["status"])


@asynccontextmanager
async def shopping(chromium: str) -> AsyncIterator[Shop]:
    """A new browser with the shop's page in it."""
    with _served() as origin:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
            try:
                shop = Shop(await browser.new_page(), origin)
                await shop.watch()
                yield shop
            finally:
                await browser.close()


@contextmanager
def _served() -> Iterator[str]:
    """The page's own server; its origin, of another site than 127.0.0.1."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://shop.localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Pages(BaseHTTPRequestHandler):
    FILES = {  # noqa: RUF012 - never written to
        "/": (HERE / "shop.html", "text/html"),
        "/analytics.js": (BUNDLE, "text/javascript"),
    }

    def do_GET(self) -> None:
        if self.path not in self.FILES:
            self.send_error(404)
            return
        file, kind = self.FILES[self.path]
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing: a test's output is for failures."""
