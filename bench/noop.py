"""The floor of accepting: the same HTTP server, doing nothing. `python -m bench.noop PORT`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop

from plaudit.collect import answers
from plaudit.serving import HttpServer


async def app(scope: Any, receive: Any, send: Any) -> None:
    del scope
    await receive()
    await answers.success(send)


async def _serve(port: int) -> None:
    await HttpServer(app, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
