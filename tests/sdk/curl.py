"""A real curl, as a shop's script would call it: one event a request to `/v1/track`."""

from __future__ import annotations

import gzip
import json
import subprocess
from typing import Any, NamedTuple

from support import WRITE_KEY, track


class Answer(NamedTuple):
    status: int
    body: Any


def post(curl: str, url: str, order: dict[str, Any], *options: str, packed: bool = False) -> Answer:
    """The order's call as curl posts it, with the write key as user name."""
    body = json.dumps(track(order)).encode()
    if packed:
        body = gzip.compress(body)
        options = ("--header", "content-encoding: gzip", *options)
    command = (curl, "--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}")
    done = subprocess.run(
        [*command, "--user", f"{WRITE_KEY}:", "--data-binary", "@-", *options, f"{url}/v1/track"],
        input=body,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    answer, _, status = done.stdout.decode().rpartition("\n")
    return Answer(int(status), json.loads(answer))
