"""An installation moves to PostgreSQL whole, or not at all, from wherever it was interrupted."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw
import psycopg
import pytest

from cli.run import plaudit
from conformance.rows import event, order, wanted
from moving import installations
from moving.installations import PROCESSED, WAITING, known, seed
from plaudit.errors import DataError
from plaudit.installation import Place, open_store
from plaudit.moving.move import Done, mover
from plaudit.moving.tables import STAYS, TABLES
from plaudit.secrets import vault
from plaudit.sqlite import connect
from plaudit.store.decisions import Decided
from plaudit.store.postgres import PostgresStore
from support import Process, free_port

Told = Callable[[str, int, int, int], None]
KEY = base64.b64encode(b"k" * 32).decode()


class StoppedError(Exception):
    """As a signal would, but at a place that the test chooses."""


def nobody(step: str, done: int, total: int, things: int) -> None:
    del step, done, total, things


def move(data: Path, to: str, told: Told = nobody) -> Done | None:
    """All of the store; the log has been processed."""

    async def main() -> Done | None:
        async with mover(data, to, told) as moving:
            return await moving.run("there", None)

    return asyncio.run(main())


@pytest.fixture
def done(data: Path) -> Path:
    """An installation that has processed its log."""

    async def main() -> None:
        store = open_store(data)
        await store.commit(0, PROCESSED, PROCESSED + WAITING, [], now=1300)
        await store.close()

    asyncio.run(main())
    return data


def there(data: Path, to: str) -> dict[str, Any]:
    async def main() -> dict[str, Any]:
        store = PostgresStore(to, vault(data))
        try:
            return await installations.everything(store)
        finally:
            await store.close()

    return asyncio.run(main())


def test_every_table_and_column_moves(data: Path, database: str) -> None:
    connection = connect(data / "store.db")
    here = {
        name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if not str(name).startswith("sqlite_") and name not in STAYS
    }
    connection.close()

    async def make() -> None:
        store = PostgresStore(database, vault(data))
        await store.config_version()
        await store.close()

    asyncio.run(make())
    there_: dict[str, set[str]] = {}
    with psycopg.connect(database) as target:
        for name, column in target.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        ):
            there_.setdefault(name, set()).add(column)
    moved = {table.name: set(table.columns) for table in TABLES}
    assert moved == here == {name: columns for name, columns in there_.items() if name not in STAYS}


def test_all_of_it_is_there_and_the_same(done: Path, database: str) -> None:
    before = known(done)
    moved = move(done, database)
    assert moved is not None and moved.events == 0
    assert [name for name, each in moved.tables.items() if not each.rows] == []
    assert there(done, database) == before
    with psycopg.connect(database) as target:
        assert not target.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'plaudit_moving'").fetchall()


def test_it_goes_on_from_there_with_ids_of_its_own(done: Path, database: str) -> None:
    """A delivery's id never comes again, also when the last ones have gone."""
    store = apsw.Connection(str(done / "store.db"))
    store.execute("UPDATE sqlite_sequence SET seq = 7000 WHERE name = 'deliveries'")
    store.close()
    move(done, database)

    async def main() -> None:
        store = PostgresStore(database, vault(done))
        at = PROCESSED + WAITING
        row = event(at + 1, orders={1: order("new")})
        again = event(at + 1, 1, orders={1: order(1)})
        assert (await store.commit(0, at, at + 1, [row, again], now=5000)).made == {1: 1}
        assert (await store.invitations(order_id="new"))[0].id > 7000
        configuration = await store.configuration()
        new = await store.apply(wanted(sources={"shop": "k", "app": "a", "third": "t"}), now=6000)
        assert max(s.id for s in new.sources) > max(i.id for i in configuration.inlets)
        # what a dead process was sending is uncertain, as after any crash
        assert await store.recover("me", alone=False, now=100_000, resend=[]) == 1
        await store.close()

    asyncio.run(main())


def test_secrets_are_sealed_anew_under_the_clusters_key(
    done: Path, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = known(done)
    monkeypatch.setenv("PLAUDIT_SECRET_KEY", KEY)
    move(done, database)
    assert there(tmp_path, database) == before  # no key file there: the environment's opens it


def test_a_key_that_is_lost_is_told(done: Path, database: str) -> None:
    (done / "secret.key").unlink()
    with pytest.raises(DataError, match=r"secret\.key"):
        move(done, database)


def test_interrupted_after_every_step_it_goes_on(done: Path, database: str) -> None:
    """Each run comes one step further than the one before."""
    before = known(done)
    for steps in range(100):
        left = steps

        def told(*_: Any) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise StoppedError

        try:
            move(done, database, told)
        except StoppedError:
            with psycopg.connect(database) as target:  # a cluster finds nothing before all is there
                assert not target.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchall()
        else:
            break
    assert steps > 15
    assert there(done, database) == before
    assert move(done, database) is None, "it was moved"


def test_killed_just_before_it_is_put_in_place(done: Path, database: str) -> None:
    """The source says that it has moved, and the target is not ready: neither is served, and the next run ends it."""
    before = known(done)

    def told(step: str, at: int, total: int, _: int) -> None:
        if (step, at) == ("comparing", total):
            raise StoppedError

    with pytest.raises(StoppedError):
        move(done, database, told)
    remembered = json.loads((done / "moved.json").read_text())
    (done / "moved.json").write_text(json.dumps(remembered | {"done": True}))
    assert move(done, database) is not None
    assert there(done, database) == before


def test_what_changes_between_two_tries_moves_too(done: Path, database: str) -> None:
    def told(step: str, *_: int) -> None:
        if step == "comparing":
            raise StoppedError

    with pytest.raises(StoppedError):
        move(done, database, told)

    async def change() -> None:
        store = open_store(done)
        assert await store.decide(Decided.CANCEL, decision=1, after=0, limit=9, now=7000, state="queued")
        at = PROCESSED + WAITING
        await store.commit(0, at, at + 1, [event(at + 1, orders={1: order("late")})], now=7000)
        await store.apply(wanted(), now=7100)
        await store.close()

    asyncio.run(change())
    before = known(done)
    move(done, database)
    assert there(done, database) == before


def test_another_key_at_the_second_try(
    done: Path, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def told(step: str, *_: int) -> None:
        if step == "comparing":
            raise StoppedError

    before = known(done)
    with pytest.raises(StoppedError):
        move(done, database, told)
    monkeypatch.setenv("PLAUDIT_SECRET_KEY", KEY)
    move(done, database)
    assert there(tmp_path, database) == before


def test_a_target_that_is_taken_is_refused(done: Path, database: str, tmp_path: Path) -> None:
    other = seed(tmp_path / "other")

    def told(*_: Any) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        move(other, database, told)
    with pytest.raises(DataError, match="another installation's move has begun"):
        move(done, database)
    with psycopg.connect(database, autocommit=True) as target:
        target.execute("DROP SCHEMA plaudit_moving CASCADE")
    move(done, database)
    with pytest.raises(DataError, match="holds an installation already"):
        move(other, database)


def test_a_log_that_is_not_processed_wants_a_log(data: Path, database: str) -> None:
    with pytest.raises(DataError, match=f"{WAITING} entries of the log are not processed yet"):
        move(data, database)


# As a command.


def command(data: Path, to: str, *more: str) -> tuple[str, ...]:
    return ("move", "--data", str(data), "--to", to, *more)


def test_the_command_looks_asks_and_moves_once(done: Path, database: str) -> None:
    before = known(done)
    looked = plaudit(*command(done, database, "--dry-run"))
    assert looked.code == 0 and "it is empty" in looked.out and "deliveries" in looked.out
    asked = plaudit(*command(done, database))
    assert asked.code == 1 and "--yes" in asked.err
    ran = plaudit(*command(done, database, "--yes"))
    assert ran.code == 0 and "each compared" in ran.out and "secret.key" in ran.out
    assert there(done, database) == before
    again = plaudit(*command(done, database, "--yes"))
    assert again.code == 0 and "nothing is left to do" in again.out
    served = plaudit("serve", "--data", str(done), "--port", "0")
    assert served.code == 1 and "has moved to postgresql://127.0.0.1" in served.err
    assert plaudit("invitations", "--data", str(done)).code == 0  # to look at it is no harm


def test_the_command_says_what_is_wrong(tmp_path: Path, done: Path) -> None:
    assert plaudit(*command(tmp_path / "none", "postgresql://127.0.0.1/x")).code == 1
    assert plaudit(*command(done, "mysql://x")).code == 2
    away = plaudit(*command(done, f"postgresql://u:secret@127.0.0.1:{free_port()}/x", "--yes"))
    assert away.code == 1 and "secret" not in away.err.replace("secret.key", "")
    assert (
        not json.loads((done / "moved.json").read_text())["done"] if (done / "moved.json").exists() else True
    )


@pytest.mark.parametrize("role", ["collect", "collect,process,deliver"])
def test_it_refuses_while_a_server_runs(done: Path, database: str, role: str, tmp_path: Path) -> None:
    port = free_port()
    serve = Process("serve", "--data", str(done), "--port", str(port), "--role", role, log=tmp_path / "log")
    try:
        serve.wait_for(f"http://127.0.0.1:{port}/readyz")
        ran = plaudit(*command(done, database, "--yes"))
        assert ran.code == 1 and "plaudit serve" in ran.err and "stop" in ran.err
        assert plaudit(*command(done, database, "--dry-run")).code == 0
    finally:
        assert serve.stop() == 0


def test_killed_again_and_again_it_comes_through(database: str, tmp_path: Path) -> None:
    data = seed(tmp_path / "data", many=12000)

    async def processed() -> None:
        store = open_store(data)
        await store.commit(0, PROCESSED, PROCESSED + WAITING, [], now=1300)
        await store.close()

    asyncio.run(processed())
    before = known(data)
    words = [sys.executable, "-m", "plaudit", *command(data, database, "--yes")]
    killed, patience = 0, 0.25
    while True:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            _, said = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            killed, patience = killed + 1, patience + 0.03
            continue
        assert process.returncode == 0, said.decode()
        break
    assert killed > 2
    assert there(data, database) == before


def test_a_place_that_shares_the_database_keeps_its_tables(done: Path, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as target:
        target.execute("CREATE TABLE theirs (x int)")
    move(done, database)
    with psycopg.connect(database) as target:
        assert target.execute("SELECT count(*) FROM theirs").fetchone() == (0,)


def test_a_schema_of_its_own(done: Path, database: str) -> None:
    before = known(done)
    with psycopg.connect(database, autocommit=True) as target:
        target.execute("CREATE SCHEMA mine")
    own = f"{database}?options={quote('-c search_path=mine')}"
    move(done, own)
    assert there(done, own) == before
    with psycopg.connect(database) as target:
        assert not target.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchall()


def test_an_installation_that_was_never_served(tmp_path: Path, database: str) -> None:
    """It has a store and no log."""
    data = tmp_path / "data"

    async def make() -> None:
        store = open_store(data, create=True)
        await store.apply(wanted(), now=500)
        await store.close()

    asyncio.run(make())
    assert plaudit(*command(data, database, "--dry-run")).code == 0
    before = known(data)
    move(data, database)
    assert there(data, database) == before


def test_a_user_who_may_not_is_told(done: Path, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as target:
        target.execute("DROP ROLE IF EXISTS guest")
        target.execute("CREATE ROLE guest LOGIN")
    ran = plaudit(*command(done, database.replace("postgres@", "guest@"), "--yes"))
    assert ran.code == 1 and "does not let this user" in ran.err


def test_place_is_what_people_see(database: str) -> None:
    assert "postgres@" not in str(Place(store=database))
