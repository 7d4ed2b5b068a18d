"""`import`: what it takes and refuses, what it asks, and that a killed one loses and doubles nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.run import plaudit
from cli.seeded import ledger
from conftest import Processes
from plaudit.collect import imports
from plaudit.collect.imports import Imported
from plaudit.log.sqlite import SqliteLog
from plaudit.spec.envelope import Entry
from support import Process, config, http


def order(number: int | str, **event: Any) -> dict[str, Any]:
    properties = {"order_id": str(number), "email": f"c{number}@example.com"}
    its = {"type": "track", "event": "Order Completed", "userId": "u", "properties": properties}
    return {**its, "timestamp": "2024-03-01T12:00:00.500Z", "messageId": f"m{number}", **event}


def archive(path: Path, *events: Any) -> Path:
    path.write_text("".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "p.toml").write_text(config("http://127.0.0.1:9"))
    assert plaudit("apply", tmp_path / "p.toml", "--data", tmp_path / "data").code == 0
    return tmp_path / "data"


def entries(data: Path) -> list[Entry]:
    """What is in the log."""

    async def main() -> list[Entry]:
        log = SqliteLog(data / "log.db")
        found = await log.read(0, 0, 1_000_000)
        await log.close()
        return [entry for _, entry in found]

    return asyncio.run(main())


def ids(data: Path) -> list[str]:
    return [e.message_id for entry in entries(data) for e in entry.events]


def record(data: Path) -> list[Imported]:
    return list(msgspec.json.decode((data / "imports.json").read_bytes(), type=dict[str, Imported]).values())


def test_events_of_an_archive_go_into_the_log(data: Path, tmp_path: Path) -> None:
    plain = archive(tmp_path / "a.ndjson", *(order(n) for n in range(600)))
    packed = tmp_path / "b.gz"
    packed.write_bytes(gzip.compress(json.dumps([order("x"), order("y")]).encode()))
    ran = plaudit("import", plain, packed, "--yes", "--data", data)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{plain}: 600 events imported\n{packed}: 2 events imported\n"
    assert ids(data) == [f"m{n}" for n in range(600)] + ["mx", "my"]
    assert max(len(entry.events) for entry in entries(data)) <= imports.EVENTS
    assert not any(entry.history for entry in entries(data))

    again = plaudit("import", plain, "--yes", "--data", data)
    assert again.code == 0 and "nothing is left to do" in again.out and len(ids(data)) == 602
    assert plaudit("import", packed, "--yes", "--again", "--data", data).code == 0
    assert ids(data)[-4:] == ["mx", "my", "mx", "my"]


def test_standard_input_and_history(data: Path) -> None:
    text = json.dumps(order(1)) + "\n" + json.dumps(order(2))
    (done,) = plaudit("import", "-", "--history", "--json", "--data", data, stdin=text).objects
    assert done == {
        "file": "standard input", "events": 2, "events_in_all": 2, "refused": 0, "refused_file": None,
        "done": True, "fault": None,
    }  # fmt: skip
    assert [entry.history for entry in entries(data)] == [True]


def test_what_is_no_event_stops_nothing_and_is_told_with_its_line(data: Path, tmp_path: Path) -> None:
    file = archive(tmp_path / "a.ndjson", order(1), "not json", order(2), {"type": "page"}, "", order(3))
    ran = plaudit("import", file, "--yes", "--data", data)
    assert ran.code == 1 and f"2 are no good events: {file}.refused.ndjson says which and why" in ran.out
    told = [json.loads(line) for line in Path(f"{file}.refused.ndjson").read_text().splitlines()]
    assert [(row["line"], row["code"]) for row in told] == [(2, "bad_request"), (4, "no_user_anon_id")]
    assert told[0]["text"] == "not json" and ids(data) == ["m1", "m2", "m3"]
    assert plaudit("import", file, "--yes", "--again", "--data", data).code == 1
    assert len(Path(f"{file}.refused.ndjson").read_text().splitlines()) == 2


def test_a_dry_run_says_what_would_become_of_them(data: Path, tmp_path: Path) -> None:
    events = [order(1, timestamp="2023-05-06T00:00:00Z"), order(1, messageId="other"), order(2)]
    events += [{"type": "page", "userId": "u", "messageId": "p"}, order("bad", properties={"order_id": 1})]
    file = archive(
        tmp_path / "a.ndjson", *events, *(order(n) for n in range(3, 700)), order(4, messageId="late")
    )
    ran = plaudit("import", file, "--dry-run", "--json", "--data", data)
    assert ran.objects == [
        {
            "dry_run": True,
            "events": 703,
            "dispositions": {"invited": 699, "duplicate_order": 2, "UNSUPPORTED_EVENT_TYPE": 1, "MESSAGE_REJECTED": 1},
            "oldest_order": "2023-05-06T00:00:00.000Z",
        }
    ]  # fmt: skip
    assert entries(data) == [] and ledger(data) == [] and not (data / "imports.json").exists()
    shown = plaudit("import", file, "--dry-run", "--data", data).out
    assert "would make 699 invitations; the oldest order is of 2023-05-06" in shown
    history = plaudit("import", file, "--dry-run", "--history", "--data", data).out
    assert "would make no invitation: it is history" in history


def test_nobody_is_invited_without_a_yes(data: Path, tmp_path: Path) -> None:
    file = archive(tmp_path / "a.ndjson", order(1))
    ran = plaudit("import", file, "--data", data)
    assert ran.code == 1 and "say --yes" in ran.err
    assert "--history imports without inviting anybody" in ran.out and entries(data) == []
    pages = archive(tmp_path / "b.ndjson", {"type": "page", "userId": "u"})
    ran = plaudit("import", pages, "--data", data)
    assert ran.code == 0 and "would make no invitation" in ran.out and len(entries(data)) == 1


@pytest.mark.parametrize(
    ("words", "code", "fault"),
    [
        (("import",), 2, "Missing argument"),
        (("import", "-"), 2, "standard input can be read only once"),
        (("import", "nowhere.ndjson", "--yes"), 1, "there is no file nowhere.ndjson"),
        (("import", "-", "--yes", "--source", "app"), 1, "no source is called 'app'; there is shop"),
    ],
)
def test_wrong_use(data: Path, words: tuple[str, ...], code: int, fault: str) -> None:
    ran = plaudit(*words, "--data", data)
    assert ran.code == code and fault in ran.err and ran.err.count("\n") == 1 and entries(data) == []


def test_a_damaged_archive_gives_what_it_has(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.gz"
    whole = gzip.compress("\n".join(json.dumps(order(n)) for n in range(5000)).encode(), 1)
    file.write_bytes(whole[: len(whole) // 2])
    ran = plaudit("import", file, "--yes", "--data", data)
    assert ran.code == 1 and "is damaged or cut off after line" in ran.err
    count = len(ids(data))
    assert count > 100 and ids(data) == [f"m{n}" for n in range(count)]


def test_a_killed_import_goes_on_and_loses_and_doubles_nothing(data: Path, tmp_path: Path) -> None:
    """Killed as a power cut would, several times; then run to its end."""
    many, bad = 60_000, 300
    events: list[Any] = [order(n) for n in range(many)]
    for n in range(bad):
        events.insert(n * 200, f"bad {n}")
    file = archive(tmp_path / "a.ndjson", *events)
    kills = 0
    for _ in range(4):
        before = record(data)[0].lines if (data / "imports.json").exists() else 0
        process = Process("import", str(file), "--yes", "--data", str(data), log=tmp_path / "log")
        while not (data / "imports.json").exists() or record(data)[0].lines <= before + 4000:
            time.sleep(0.005)
        kills += not record(data)[0].done
        process.kill()
    assert kills >= 2
    ran = plaudit("import", file, "--yes", "--data", data)
    assert ran.code == 1 or record(data)[0].done
    counted = Counter(ids(data))
    assert set(counted) == {f"m{n}" for n in range(many)}, "an event was lost"
    twice = sum(count - 1 for count in counted.values())
    assert twice <= kills * 2 * imports.ENTRIES * imports.EVENTS, (
        "only what was not on record comes once more"
    )
    told = [json.loads(line)["text"] for line in Path(f"{file}.refused.ndjson").read_text().splitlines()]
    assert told == [f"bad {n}" for n in range(bad)]
    (state,) = record(data)
    assert (state.events, state.refused, state.lines) == (many, bad, many + bad)


def test_two_imports_do_not_meet(data: Path, tmp_path: Path) -> None:
    import fcntl

    file = archive(tmp_path / "a.ndjson", order(1))
    with (data / "import.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = plaudit("import", file, "--yes", "--data", data)
    assert ran.code == 1 and "another 'plaudit import' works on" in ran.err


def test_orders_of_a_killed_import_are_invited_once_while_a_server_runs(
    processes: Processes, tmp_path: Path
) -> None:
    count = 5000
    file = archive(tmp_path / "a.ndjson", *(order(f"imported-{n}") for n in range(count)))

    def imported() -> dict[str, str]:
        return {i.order_id: i.state for i in ledger(processes.data) if i.order_id.startswith("imported-")}

    twice = http(f"{processes.sandbox_url}/sandbox/stats").body["twice"]
    process = Process("import", str(file), "--yes", "--data", str(processes.data), log=tmp_path / "log")
    while not imported():
        time.sleep(0.005)
    process.kill()
    ran = plaudit("import", file, "--yes", "--data", processes.data)
    assert (ran.code, ran.err) == (0, "")
    deadline = time.monotonic() + 30
    while len(found := imported()) < count or set(found.values()) != {"accepted"}:
        assert time.monotonic() < deadline, Counter(found.values())
        time.sleep(0.1)
    assert http(f"{processes.sandbox_url}/sandbox/stats").body["twice"] == twice
