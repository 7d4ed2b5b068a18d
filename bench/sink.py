"""The vendor's end, as cheap as it gets: answers 201 to each POST, and tells when each reference arrived.

`python -m bench.sink PORT [SECONDS]`: answers after so many seconds; `never` takes all and answers nothing. A GET of /seen is answered with `{"count": N, "told": N}`, /times with reference → ms, /told with the user ids of
audiences' calls → ms.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_REFERENCE = re.compile(rb'"referenceId":"([^"]*)"')
_PERSON = re.compile(rb'"userId":"([^"]*)"')
_CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
delay: float | None = 0.0  # seconds; None: never
seen: dict[bytes, float] = {}
told: dict[bytes, float] = {}
twice = 0


class _Sink(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own is one in all but name
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        global twice  # noqa: PLW0603 - one sink a process
        buffer = self._buffer + data if self._buffer else data
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            if buffer.startswith(b"GET"):
                self._look(buffer[:end])
                buffer = buffer[end + 4 :]
                continue
            length = _LENGTH.search(buffer, 0, end)
            whole = end + 4 + (int(length.group(1)) if length else 0)
            if len(buffer) < whole:
                break
            for reference in _REFERENCE.finditer(buffer, end, whole):  # a page has many
                twice += reference.group(1) in seen
                seen[reference.group(1)] = time.time()
            if buffer.find(b'"personas"', end, whole) > 0 and (person := _PERSON.search(buffer, end, whole)):
                told[person.group(1)] = time.time()
            buffer = buffer[whole:]
            if delay == 0:
                self._transport.write(_CREATED)
            elif delay:
                asyncio.get_running_loop().call_later(delay, self._transport.write, _CREATED)
        self._buffer = buffer

    def _look(self, head: bytes) -> None:
        times = seen if b"/times" in head else told if b"/told" in head else None
        found = (
            {"count": len(seen), "twice": twice, "told": len(told)}
            if times is None
            else {k.decode(): v * 1000 for k, v in times.items()}
        )
        body = json.dumps(found).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        delay = None if sys.argv[2] == "never" else float(sys.argv[2])
    uvloop.run(_serve(int(sys.argv[1])))
