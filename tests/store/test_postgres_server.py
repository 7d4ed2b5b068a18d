"""What is particular to a server: it is away, it comes back, it lets nobody in, it was changed by others."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from conformance.rows import ended, event, order, wanted
from plaudit.destinations.base import Outcome, State
from plaudit.errors import DataError, LostRaceError, UnavailableError
from plaudit.secrets import vault
from plaudit.store.postgres import PostgresStore, listen
from plaudit.store.postgres.schema import Migration, migrate, migrations
from plaudit.store.postgres.sql import Connection
from postgres import PostgresServer

Url = Callable[..., str]
SECRET = "veryHiddenWord"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One of its own: these tests stop it."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def database(server: PostgresServer) -> Iterator[str]:
    """The address of an empty database."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE one")
    yield server.url("one")
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("DROP DATABASE one WITH (FORCE)")


@pytest.fixture
async def store(database: str, tmp_path: Path) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(database, vault(tmp_path))
    await store.apply(wanted(), now=500)
    yield store
    await store.close()


@contextlib.asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, vault(folder))
    yield store
    await store.close()


# away, and back


async def test_a_store_may_be_opened_before_its_server(
    server: PostgresServer, database: str, tmp_path: Path
) -> None:
    server.stop()
    try:
        async with opened(database, tmp_path) as store:
            started = time.monotonic()
            with pytest.raises(
                UnavailableError, match=r"the database one at 127\.0\.0\.1:\d+ is away"
            ) as caught:
                await store.config_version()
            assert time.monotonic() - started < 3 and caught.value.retry_after > 0
            server.start()
            assert await store.config_version() == 1
    finally:
        if not server.running:
            server.start()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_was_started_anew_is_found_again_by_itself(
    server: PostgresServer, store: PostgresStore, how: signal.Signals
) -> None:
    await asyncio.gather(*(store.config_version() for _ in range(5)))
    server.stop(how)
    server.start()
    assert (await store.commit(0, 0, 1, [event(1, orders={1: order(1)})], now=1000)).made == {1: 1}


async def test_a_server_that_stops_in_the_middle_loses_nothing_and_repeats_nothing(
    server: PostgresServer, store: PostgresStore, database: str
) -> None:
    batch = [event(1, orders={1: order(1)})]
    other = psycopg.connect(database)
    other.execute("LOCK TABLE dispositions IN SHARE MODE")
    commit = asyncio.create_task(store.commit(0, 0, 1, batch, now=1000))
    await asyncio.sleep(0.1)
    server.stop(signal.SIGQUIT)
    with pytest.raises(UnavailableError):
        await commit
    other.close()
    server.start()
    assert (await store.commit(0, 0, 1, batch, now=1000)).made == {1: 1}
    with pytest.raises(LostRaceError):
        await store.commit(0, 0, 1, batch, now=1000)


class Way:
    """A way to the server, which breaks once after a word of the client's, when the server has done what it says."""

    def __init__(self, port: int, word: bytes) -> None:
        self._port = port
        self._word = word
        self._cut = False
        self._ends: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for end in self._ends:
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends += [writer, back]
        mute = asyncio.Event()
        await asyncio.gather(self._ask(reader, back, mute), self._answer(there, writer, mute))

    async def _ask(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, mute: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if self._word in data and not self._cut:
                self._cut = True
                mute.set()
            back.write(data)
        back.close()

    async def _answer(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, mute: asyncio.Event
    ) -> None:
        while data := await there.read(65536):
            if mute.is_set():
                break
            writer.write(data)
        writer.close()


async def test_what_was_claimed_in_a_turn_whose_end_got_lost_is_given_back(
    server: PostgresServer, store: PostgresStore, tmp_path: Path
) -> None:
    await store.commit(0, 0, 1, [event(1, n, orders={1: order(n)}) for n in range(3)], now=1000)
    async with Way(server.port, b"COMMIT\0") as port:
        url = server.url("one").replace(str(server.port), str(port))
        async with opened(url, tmp_path) as cut:
            await cut.config_version()
            with pytest.raises(UnavailableError):
                await cut.turn(1, [], 2, "me", 2000, 9000)
            assert await store.count() == {"sending": 2, "queued": 1}, "it was done, and nobody knows"
            claimed = await cut.turn(1, [], 5, "me", 2100, 9000)
            there = [(c.order and c.order.order_id, c.attempt) for c in claimed]
            assert sorted(there) == [("0", 1), ("1", 1), ("2", 1)]
            settled = [ended(each, Outcome.ACCEPTED, State.ACCEPTED) for each in claimed]
            assert await cut.turn(1, settled, 5, "me", 2200, 9000) == []
    assert await store.count() == {"accepted": 3}


# who may come in


async def said(url: str, folder: Path, kind: type[Exception]) -> str:
    async with opened(url, folder) as store:
        with pytest.raises(kind) as caught:
            await store.config_version()
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def clerk(server: PostgresServer, database: str) -> Iterator[Callable[..., str]]:
    """An address of the database for a user with a password."""
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE clerk LOGIN PASSWORD '{SECRET}'")
        server.hba("host all clerk all scram-sha-256")
    yield lambda password=SECRET: server.url("one", "clerk", password)
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("DROP OWNED BY clerk; DROP ROLE clerk")


async def test_who_is_not_let_in_is_told_what_to_do(
    server: PostgresServer, database: str, clerk: Callable[..., str], tmp_path: Path
) -> None:
    for url in (clerk("wrong"), clerk(""), server.url("one", "nobody")):
        assert "correct --store" in await said(url, tmp_path, DataError)
    assert "does not exist: make it with 'createdb'" in await said(server.url("two"), tmp_path, DataError)
    assert "GRANT" in (await said(clerk(), tmp_path, DataError)).upper()
    assert "is away" in await said(f"postgresql://u:{SECRET}@127.0.0.1:1/x", tmp_path, UnavailableError)
    assert "is away" in await said(f"postgresql://u:{SECRET}@host.invalid/x", tmp_path, UnavailableError)
    no_schema = f"{database}?options=-csearch_path%3Dnowhere"
    assert "schema" in await said(no_schema, tmp_path, DataError)
    for url in ("postgresql://h:port/x", f"host=x {SECRET}", f"postgresql://u:{SECRET}@h/?what=1"):
        with pytest.raises(DataError, match="no address of a database") as caught:
            PostgresStore(url, vault(tmp_path))
        assert SECRET not in str(caught.value)


async def test_a_server_without_room_or_closed_for_writing_is_waited_for(
    database: str, store: PostgresStore, clerk: Callable[..., str], tmp_path: Path
) -> None:
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("ALTER ROLE clerk CONNECTION LIMIT 0")
        assert "no more connections" in await said(clerk(), tmp_path, UnavailableError)
        admin.execute("ALTER DATABASE one SET default_transaction_read_only = on")
        async with opened(database, tmp_path) as closed:
            assert await closed.config_version() > 1
            with pytest.raises(UnavailableError, match="read only"):
                await closed.commit(0, 0, 1, [], now=1000)
        admin.execute("ALTER DATABASE one RESET default_transaction_read_only")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lock_timeout", "10s"),
        ("statement_timeout", "30s"),
        (
            "idle_in_transaction_session_timeout",
            "5s",
        ),  # of a process that is stopped in the middle of something
        ("synchronous_commit", "on"),
        ("transaction_isolation", "read committed"),
    ],
)
async def test_a_session_waits_for_nobody_for_ever_and_commits_to_the_disk(
    database: str, store: PostgresStore, tmp_path: Path, name: str, value: str
) -> None:
    """Whatever the server's defaults are."""
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("ALTER DATABASE one SET synchronous_commit = off")
        admin.execute("ALTER DATABASE one SET default_transaction_isolation = 'serializable'")

    async def show(connection: Connection) -> object:
        return await (await connection.execute(f"SHOW {name}".encode())).fetchone()

    async with opened(database, tmp_path) as fresh:
        assert await fresh._database.run(show) == (value,)


async def test_another_key_cannot_open_the_secrets(
    database: str, store: PostgresStore, tmp_path: Path
) -> None:
    with psycopg.connect(database) as connection:
        sealed = connection.execute(
            "SELECT write_key FROM sources UNION SELECT settings FROM destinations"
        ).fetchall()
    assert not any(b"Key" in each for (each,) in sealed)
    (tmp_path / "secret.key").unlink()
    async with opened(database, tmp_path) as other:
        with pytest.raises(DataError, match=r"secret\.key .* is not the one"):
            await other.configuration()


# the schema


STARTING = """
import asyncio, sys
from pathlib import Path
from plaudit.secrets import vault
from plaudit.store.postgres import PostgresStore

async def main():
    store = PostgresStore(sys.argv[1], vault(Path(sys.argv[2])))
    print("ready", flush=True)
    sys.stdin.read(1)
    print(await store.config_version())
    await store.close()

asyncio.run(main())
"""


def test_processes_that_start_at_once_make_one_schema(database: str, tmp_path: Path) -> None:
    vault(tmp_path)
    words = [sys.executable, "-c", STARTING, database, str(tmp_path)]
    started = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for process in started:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("!")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in started] == ["1\n"] * 4
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT number FROM plaudit_migrations ORDER BY 1").fetchall()
    assert [number for (number,) in found] == [m.number for m in migrations()]


@pytest.mark.parametrize("kind", ["pre", "post"])
async def test_older_code_goes_on_after_a_pre_migration_and_not_after_a_post_one(
    database: str, store: PostgresStore, tmp_path: Path, kind: str
) -> None:
    """A newer Plaudit comes while this one runs, and this one is started once more."""
    newer = Migration(9998, kind, "ALTER TABLE events ADD COLUMN colour text")
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await migrate(connection, [*migrations(), newer])
        await migrate(connection, [*migrations(), newer])
    assert (await store.commit(0, 0, 1, [event(1, orders={1: order(1)})], now=1000)).made == {1: 1}
    async with opened(database, tmp_path) as again:
        if kind == "pre":
            assert len(await again.events()) == 1
        else:
            with pytest.raises(DataError, match="newer Plaudit"):
                await again.events()


# hearing


async def test_what_another_process_makes_is_heard_of_also_after_a_restart(
    server: PostgresServer,
    store: PostgresStore,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listen, "PATIENCE", 0.05)
    heard: list[set[int]] = []
    more = asyncio.Event()

    def hear(ids: set[int]) -> None:
        heard.append(ids)
        more.set()

    async def until_heard(position: int) -> None:
        """Events until one is heard of: it may take a moment until it listens."""
        more.clear()
        while not more.is_set():
            batch = [
                event(position, n, orders={1: order(f"{position}-{n}"), 2: order("same")}) for n in range(3)
            ]
            await store.commit(0, position - 1, position, batch, now=1000)
            position += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(more.wait(), 0.2)

    async with opened(database, tmp_path) as other:
        listening = asyncio.create_task(other.listen(hear))
        await until_heard(1)
        assert heard[0] in ({1, 2}, {1})
        server.stop(signal.SIGQUIT)
        server.start()
        await until_heard(await store.cursor(0) + 1)
        assert heard[-1] == {1}, "only those that have new deliveries"
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


# other people's strings


async def test_strings_that_postgresql_cannot_hold_stop_nothing(store: PostgresStore) -> None:
    odd: Any = order("7\0x")
    odd.name = "Zo\0e \ud800"[:4]
    batch = [event(1, n, message_id="m\0", orders={1: odd})._replace(name="a\0b\ud800") for n in range(2)]
    done = await store.commit(0, 0, 1, batch, now=1000)
    assert done.dispositions == {"invited": 1, "duplicate_message": 1}
    again = await store.commit(0, 1, 2, [event(2, orders={1: odd})], now=1000)
    assert again.dispositions == {"duplicate_order": 1}
    (claimed,) = await store.turn(1, [], 5, "me", 2000, 9000)
    settled = ended(claimed, Outcome.REFUSED, State.REFUSED)._replace(message="said \0 this")
    await store.turn(1, [settled], 0, "me", 2100, 9000)
    assert [a.message for a in await store.attempts(claimed.id)] == ["said \ufffd this"]
