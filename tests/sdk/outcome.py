"""What became of an order: at the sandbox, and in the ledger as the command line shows it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, NamedTuple

from conftest import Processes
from support import http, until

Json = dict[str, Any]


class Outcome(NamedTuple):
    """One order's one invitation: as the sandbox got it and as the ledger has it; and the order's events, oldest first."""

    received: Json
    invitation: Json
    events: list[Json]


def listed(command: str, server: Processes, *options: str) -> list[Json]:
    """What `plaudit events` or `plaudit invitations` prints, newest first."""
    done = subprocess.run(
        [sys.executable, "-m", "plaudit", command, "--json", "--limit", "0", "--data", server.data, *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


async def invited_once(server: Processes, order_id: str, *, events: int = 1, posts: int = 1) -> Outcome:
    """Wait until so many events of the order are processed and its invitation is accepted: one, and no other."""

    def processed() -> list[Json] | None:
        found = listed("events", server, "--order", order_id)
        return found[::-1] if len(found) >= events else None

    def settled() -> list[Json] | None:
        found = listed("invitations", server, "--order", order_id)
        return found if found and all(i["state"] == "accepted" for i in found) else None

    await until(lambda: any(r["accepted"] for r in server.sandbox_invitations(order_id)))
    found = await until(processed)
    (invitation,) = await until(settled)
    (received,) = server.sandbox_invitations(order_id)
    assert len(found) == events
    assert sorted(e["disposition"] for e in found) == ["duplicate_order"] * (events - 1) + ["invited"]
    assert {d["invitation"] for e in found for d in e["destinations"]} == {invitation["id"]}
    source = received.pop("source")
    assert source.startswith("Plaudit-")
    # What other channels carry, this one leaves out.
    told = {k: v for k, v in received.items() if v or k == "updates"}
    assert {k: v for k, v in told.items() if k not in ("received_at", "answer", "products")} == {
        "channel": "integration_key",
        "key": "tes…",
        "reference_id": order_id,
        "recipient_email": "test@example.com",
        "recipient_name": "John Johnson",
        "total_cost": 27.5,
        "currency": "USD",
        "posts": posts,
        "accepted": 1,
        "updates": 0,
    }
    return Outcome(received, invitation, found)


def refusals(server: Processes, code: str) -> int:
    """How many requests the server has refused with this code since it started."""
    prefix = f'plaudit_requests_refused_total{{code="{code}"}} '
    lines = http(f"{server.url}/metrics").body.decode().splitlines()
    return int(float(next((line.removeprefix(prefix) for line in lines if line.startswith(prefix)), "0")))
