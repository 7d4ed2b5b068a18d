"""An installation with two sources and one destination, through any number of stops, kills and starts."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from base64 import b64encode
from pathlib import Path

from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.installation import apply, open_store
from plaudit.log.sqlite import SqliteLog
from plaudit.store.views import EventView, InvitationView
from support import free_port

from .forked import Forked
from .model import Event
from .wire import Answer, abandon, exchange, whole

SOURCES = ("shop", "app")
PATIENCE = 20.0
_CONFIG = """
[sources.shop]
write_key = "shopKey"
[sources.app]
write_key = "appKey"
[destinations.trustpilot]
type = "trustpilot"
sources = ["shop", "app"]
[destinations.trustpilot.settings]
api_key = "testIntegrationKey"
base_url = "{url}"
allow_private = true
shop_url = "https://shop{variant}.example.com"
"""


class Installation:
    """Its data directory is new, its server runs. `close` it."""

    def __init__(self, sandbox_url: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._sandbox_url = sandbox_url
        self._port = free_port()
        self._loop = asyncio.Runner()
        self._data = Path(self._folder.name) / "data"
        self._serve: Forked | None = None
        self.start(0)

    def start(self, variant: int) -> None:
        """With a configuration file in this variant."""
        file = Path(self._folder.name) / "plaudit.toml"
        file.write_text(_CONFIG.format(url=self._sandbox_url, variant=variant))
        arguments = ["serve", "--port", str(self._port), "--data", str(self._data), "--config", str(file)]
        url = f"http://127.0.0.1:{self._port}/readyz"
        self._serve = Forked(arguments, url, Path(self._folder.name) / "serve.log")

    def stop(self) -> None:
        assert self._serve is not None
        self._serve.stop()

    def kill(self) -> None:
        assert self._serve is not None
        self._serve.kill()

    def close(self) -> None:
        self.stop()
        self._loop.close()
        self._folder.cleanup()

    def apply(self, variant: int) -> None:
        """As `plaudit apply` does beside a running server."""

        async def main() -> None:
            store = open_store(self._data)
            text = _CONFIG.format(url=self._sandbox_url, variant=variant)
            await apply(store, parse(text, destinations()), time.time_ns() // 1_000_000)
            await store.close()

        self._loop.run(main())

    def send(self, events: list[Event]) -> Answer | None:
        """Events of one source, alone or as a batch."""
        return exchange(self._port, _request(events))

    def throw(self, events: list[Event]) -> None:
        """The same, without waiting for the answer."""
        abandon(self._port, b"".join(_request(events)))

    def settled(self) -> tuple[list[EventView], list[InvitationView]]:
        """Events, oldest first, and the ledger, when nothing is under way any more."""

        async def main() -> tuple[list[EventView], list[InvitationView]]:
            store, log = open_store(self._data), SqliteLog(self._data / "log.db")
            try:
                async with asyncio.timeout(PATIENCE):
                    while True:
                        done = await store.cursor(0) == await log.head(0)
                        invitations = await store.invitations()
                        if done and not any(i.state in ("queued", "sending") for i in invitations):
                            return (await store.events())[::-1], invitations
                        await asyncio.sleep(0.005)
            finally:
                await store.close()
                await log.close()

        return self._loop.run(main())


def _request(events: list[Event]) -> list[bytes]:
    contents = [event.json() for event in events]
    path, content = (contents[0]["type"], contents[0]) if len(events) == 1 else ("batch", {"batch": contents})
    key = b64encode(f"{events[0].source}Key:".encode()).decode()
    headers = [("authorization", f"Basic {key}"), ("content-type", "application/json")]
    return whole("POST", f"/v1/{path}", headers, json.dumps(content).encode())
