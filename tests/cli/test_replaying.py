"""`replay`: what it says, what it asks, and that one that was killed half way sends nothing twice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.run import Ran, plaudit
from cli.seeded import ledger, seed
from conftest import Processes
from support import Process, config, free_port, http

COUNT = 4000


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Processes]:
    """A server whose source is connected to nothing yet, and a sandbox."""
    port, sandbox_port = free_port(), free_port()
    url, sandbox_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    (tmp_path / "on.toml").write_text(config(sandbox_url))
    (tmp_path / "off.toml").write_text(config(sandbox_url).replace('sources = ["shop"]', "sources = []"))
    data = tmp_path / "data"
    assert plaudit("apply", tmp_path / "off.toml", "--data", data).code == 0
    sandbox = Process("sandbox", "--port", str(sandbox_port), log=tmp_path / "sandbox.log")
    serve = Process("serve", "--port", str(port), "--data", str(data), log=tmp_path / "serve.log")
    try:
        sandbox.wait_for(f"{sandbox_url}/sandbox/stats")
        serve.wait_for(f"{url}/readyz")
        yield Processes(url, sandbox_url, data)
    finally:
        serve.stop()
        sandbox.stop()


def test_a_replay_that_is_killed_and_run_again_sends_nothing_twice(served: Processes, tmp_path: Path) -> None:
    events = [
        {"type": "track", "event": "Order Completed", "userId": "u", "messageId": f"m{n}",
         "properties": {"order_id": str(n), "email": f"c{n}@example.com"}}
        for n in range(COUNT)
    ]  # fmt: skip
    text = "\n".join(map(json.dumps, events))
    assert plaudit("send", "-", "--url", served.url, "--data", served.data, stdin=text).code == 0

    def replay(*words: str) -> Ran:
        return plaudit("replay", "--since", "1 hour", "--data", served.data, *words)

    eventually(lambda: replay("--dry-run", "--json").objects[0]["events"] == COUNT)
    (foreseen,) = replay("--dry-run", "--json").objects
    assert foreseen["dispositions"] == {"no_destination": COUNT} and foreseen["made"] == {}

    assert plaudit("apply", tmp_path / "on.toml", "--data", served.data).code == 0
    (foreseen,) = replay("--dry-run", "--json").objects
    assert foreseen["made"] == {"trustpilot": COUNT} and ledger(served.data) == []
    shown = replay()
    assert shown.code == 1 and f"would make {COUNT:,} invitations" in shown.out and "say --yes" in shown.err

    killed = 0
    for _ in range(3):
        before = len(ledger(served.data))
        process = Process(
            "replay", "--since", "1 hour", "--yes", "--data", str(served.data), log=tmp_path / "log"
        )
        while len(ledger(served.data)) == before and process._process.poll() is None:
            time.sleep(0.005)
        process.kill()
        killed += len(ledger(served.data)) < COUNT
    assert killed
    ran = replay("--yes")
    assert (ran.code, ran.err) == (0, "") and "had theirs already" in ran.out
    assert f"there is nothing to judge anew; {COUNT:,} had theirs already" in replay("--yes").out
    eventually(lambda: all(i.state == "accepted" for i in ledger(served.data)))
    stats = http(f"{served.sandbox_url}/sandbox/stats").body
    assert (stats["invitations"], stats["accepted"], stats["twice"]) == (COUNT, COUNT, 0)


def eventually(good: object) -> None:
    assert callable(good)
    deadline = time.monotonic() + 30
    while not good():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("words", "code", "fault"),
    [
        ((), 2, "say from when on with --since"),
        (("--until", "1 day"), 2, "say from when on with --since"),
        (("--since", "soon"), 2, "--since must be"),
        (("--since", "1 day", "--disposition", "no"), 2, "--disposition must be one of invited"),
        (("--since", "1 day", "--source", "no"), 1, "no source is called 'no'; there is app, segment/"),
    ],
)
def test_wrong_use(tmp_path: Path, words: tuple[str, ...], code: int, fault: str) -> None:
    ran = plaudit("replay", *words, "--data", seed(tmp_path / "data"))
    assert ran.code == code and fault in ran.err and ran.err.count("\n") == 1


def test_nothing_to_replay_is_told(tmp_path: Path) -> None:
    """The ledger has events, and the log was lost."""
    ran = plaudit("replay", "--since", "1970-01-01", "--data", seed(tmp_path / "data"))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "5 older events cannot be replayed: the log has none",
        "0 events looked at; there is nothing to judge anew",
    ]
