"""SDKs block while they deliver: each such call gets a thread that cannot hold up the test run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
SECONDS = 45  # longer than any of these tests lets an SDK wait, shorter than an SDK's own patience


async def in_thread(call: Callable[..., T], *words: object, **more: object) -> T:
    """The call's result; `TimeoutError` when it does not end. `asyncio.to_thread` would wait for it even then."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call(*words, **more))
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is awaited
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    async with asyncio.timeout(SECONDS):
        return await asyncio.wrap_future(future)
