"""`retry`, `cancel`, `resolve`: what they take, what they leave alone, and what they say."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cli.run import plaudit
from cli.seeded import seed, states
from conftest import Processes
from support import ORDER, http, track

BEFORE = {"1": "failed", "2": "refused", "3": "uncertain", "4": "queued", "5": "accepted"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return seed(tmp_path / "data")


@pytest.mark.parametrize(
    ("words", "changed", "said"),
    [
        (("retry", "--all"), {"1": "queued", "2": "queued"}, "2 invitations are queued again"),
        (("retry", "--state", "failed"), {"1": "queued"}, "1 invitation is queued again"),
        (("retry", "--order", "2"), {"2": "queued"}, "1 invitation is queued again"),
        (("retry", "--order", "5"), {}, "1 is accepted"),
        (("retry", "--order", "3"), {}, "1 is uncertain: see 'plaudit resolve'"),
        (("retry", "--reason", "reason", "--limit", "1"), {"1": "queued"}, "the oldest 1 of them"),
        (("retry", "--until", "1971-01-01"), {"1": "queued", "2": "queued"}, "2 invitations"),
        (("retry", "--since", "2 days"), {}, "no invitation that is failed or refused matches"),
        (("retry", "--email", "Customer1@example.com"), {"1": "queued"}, "1 invitation is"),
        (("retry", "--calls", "--all"), {}, "no call that is failed or refused matches"),
        (
            ("cancel", "--source", "shop"),
            {"1": "cancelled", "2": "cancelled", "4": "cancelled"},
            "3 invitations are cancelled",
        ),
        (("cancel", "--destination", "second"), {}, "matches"),
        (("resolve", "--sent", "--all"), {"3": "accepted"}, "1 invitation is marked as accepted"),
        (("resolve", "--not-sent", "--order", "3"), {"3": "queued"}, "1 invitation is queued again"),
        (("resolve", "--drop", "--all"), {"3": "cancelled"}, "1 invitation is cancelled"),
    ],
)
def test_what_a_decision_does(data: Path, words: tuple[str, ...], changed: dict[str, str], said: str) -> None:
    dry = plaudit(*words, "--dry-run", "--data", data)
    assert (dry.code, dry.err) == (0, "") and states(data) == BEFORE
    ran = plaudit(*words, "--yes", "--data", data)
    assert (ran.code, ran.err) == (0, "") and said in ran.out
    assert states(data) == BEFORE | changed


def test_a_summary_for_scripts(data: Path) -> None:
    (done,) = plaudit("retry", "--all", "--yes", "--json", "--data", data).objects
    matched = {"failed": 1, "refused": 1}
    assert done == {"action": "retry", "dry_run": False, "matched": matched, "done": 2, "state": "queued", "ids": [1, 2], "decision": 1}  # fmt: skip
    (done,) = plaudit("cancel", "--all", "--dry-run", "--json", "--data", data).objects
    assert (done["matched"], done["done"], done["ids"], done["decision"]) == ({"queued": 3}, 0, [], None)


@pytest.mark.parametrize(
    ("words", "code", "fault"),
    [
        (("retry",), 2, "say which: by --order"),
        (("cancel", "--yes"), 2, "or --all"),
        (("cancel", "--limit", "5"), 2, "say which"),
        (("retry", "--state", "uncertain"), 2, "there is 'plaudit resolve'"),
        (("cancel", "--state", "accepted"), 2, "--state must be one of blocked, failed"),
        (("resolve", "--all"), 2, "say one of --sent"),
        (("resolve", "--all", "--sent", "--drop"), 2, "say one of --sent"),
        (("retry", "--since", "yesterday"), 2, "or how long ago"),
        (("retry", "--since", "2 days", "--until", "3 days"), 2, "nothing is between them"),
        (("retry", "--all"), 1, "say --yes, or look with --dry-run"),
        (("retry", "--all", "--json"), 1, "say --yes"),
        (("retry", "--destination", "nowhere"), 1, "no destination is called 'nowhere'; there is second, trustpilot"),
        (("retry", "--source", "nowhere"), 1, "no source is called 'nowhere'"),
    ],
)  # fmt: skip
def test_wrong_use_changes_nothing(data: Path, words: tuple[str, ...], code: int, fault: str) -> None:
    ran = plaudit(*words, "--data", data)
    assert ran.code == code and fault in ran.err and ran.err.count("\n") == 1
    assert states(data) == BEFORE


def test_many_go_in_portions(tmp_path: Path) -> None:
    data = seed(tmp_path / "data", times=500)
    (done,) = plaudit("retry", "--state", "failed", "--yes", "--json", "--data", data).objects
    assert done["done"] == 500
    ran = plaudit("cancel", "--all", "--yes", "--data", data)
    assert "1,500 invitations are cancelled" in ran.out
    (left,) = set(states(data).values()) - {"cancelled", "accepted"}
    assert left == "uncertain"


def test_it_is_asked_on_a_terminal(data: Path) -> None:
    """A pseudo-terminal, as a person has one: no is no, yes is yes."""
    for answer, code, after in (("", 1, BEFORE), ("n", 1, BEFORE), ("y", 0, BEFORE | {"1": "queued"})):
        shown, exited = on_a_terminal(f"{answer}\n", "retry", "--order", "1", "--data", str(data))
        assert exited == code and "Queue this invitation again? [y/N]" in shown and states(data) == after


def on_a_terminal(typed: str, *words: str) -> tuple[str, int]:
    import os
    import pty
    import sys

    pid, terminal = pty.fork()
    if not pid:
        os.execv(sys.executable, [sys.executable, "-m", "plaudit", *words])
    os.write(terminal, typed.encode())
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(status)


def test_a_running_server_sends_what_is_queued_again(processes: Processes) -> None:
    order = "retried-while-serving"
    http(f"{processes.sandbox_url}/sandbox/faults", {"faults": ["400x1"]}, method="PUT")
    event = track({**ORDER, "order_id": order})
    assert http(f"{processes.url}/v1/track", event, key="testWriteKey").status == 200
    state(processes, order, "refused")
    assert plaudit("retry", "--order", order, "--yes", "--data", processes.data).code == 0
    state(processes, order, "accepted")
    assert len(processes.sandbox_invitations(order)) == 1


def state(processes: Processes, order: str, wanted: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        found = plaudit("invitations", "--order", order, "--json", "--data", processes.data).objects
        if found and found[0]["state"] == wanted:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_the_ledger_by_more_conditions(data: Path) -> None:
    def found(*words: str) -> list[str]:
        return [i["order_id"] for i in plaudit("invitations", *words, "--json", "--data", data).objects]

    assert found("--email", "customer3@example.com") == ["3"]
    assert found("--source", "app") == found("--since", "1 day") == found("--calls") == []
    assert found("--reason", "reason", "--until", "1970-01-02", "--limit", "0") == ["5", "4", "3", "2", "1"]
