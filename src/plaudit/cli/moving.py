"""`plaudit move`: an embedded installation to a cluster's store and log. It asks first, and goes on where it was."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from plaudit.cli.options import DATA, DryRun, Folder, Yes
from plaudit.cli.output import run, say, table

if TYPE_CHECKING:
    from plaudit.installation import Place
    from plaudit.log.base import Log
    from plaudit.moving.move import Done, There

KEY = "PLAUDIT_SECRET_KEY"


def move(
    to: Annotated[str, typer.Option("--to", help="The cluster's store: postgresql://…", show_default=False)],
    data: Folder = DATA,
    to_log: Annotated[
        str, typer.Option("--to-log", help="The cluster's log: nats://…", show_default=False)
    ] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Move an installation to a cluster; goes on where it was interrupted."""
    from plaudit.installation import Place, checked

    run(lambda: _move(Path(data), checked(Place(store=to, log=to_log), log=bool(to_log)), dry_run, yes))


async def _move(data: Path, to: Place, dry_run: bool, yes: bool) -> None:
    from plaudit.cli.ask import agree
    from plaudit.errors import DataError
    from plaudit.installation import open_store

    try:
        from plaudit.moving.move import look
    except ImportError:
        raise DataError("for a PostgreSQL store install plaudit[cluster]") from None

    await open_store(data).close()  # brings an older one up to date; says so if there is none
    there = look(data)
    if not there.moved_to:
        _say(there, data, to)
    if dry_run:
        say(_state(there, await _beside(to)))
        return
    with ExitStack() as held:
        for file in _locks(data):
            held.callback(file.close)
        if not there.moved_to:
            agree("Move it?", yes=yes)
        if not there.moved_to:
            await _catch_up(data)
        _told(await _run(data, to), data, to)


async def _catch_up(data: Path) -> None:
    """What the ledger has taken goes into profiles before it moves: the log's entries do not move along."""
    from plaudit.clock import SystemClock
    from plaudit.destinations.catalog import destinations
    from plaudit.installation import open_log, open_store
    from plaudit.process.profiles import catch_up

    store, log = open_store(data), open_log(data)
    try:
        await catch_up(log, store, SystemClock(), destinations())
    finally:
        await log.close()
        await store.close()


async def _run(data: Path, to: Place) -> Done | None:
    from plaudit.cli.progress import Progress
    from plaudit.moving.move import mover

    with ExitStack() as steps:
        shown: dict[str, Progress] = {}

        def told(step: str, done: int, total: int, things: int) -> None:
            if step not in shown:
                steps.close()  # the bar of the step before
                shown[step] = steps.enter_context(
                    Progress(step, total, "events" if step == "log" else "rows")
                )
            shown[step].to(done, things)

        async with mover(data, to.store, told) as moving:
            return await moving.run(str(to), (lambda: _log(to)) if to.log else None)


async def _log(to: Place) -> Log:
    from plaudit.installation import open_log

    return open_log(to)


def _locks(data: Path) -> list[IO[bytes]]:
    """What a server and an import hold. Raises `InUseError`."""
    from plaudit.errors import InUseError
    from plaudit.installation import lock

    held = []
    for role in ("process", "deliver", "import"):
        try:
            held.append(lock(data, role))
        except InUseError:
            for file in held:
                file.close()
            what = "plaudit import" if role == "import" else "plaudit serve"
            raise InUseError(
                f"a '{what}' works on {data}: stop it (the SDKs keep their events meanwhile), and run this again"
            ) from None
    return held


async def _beside(to: Place) -> str:
    from plaudit.moving.target import connected

    async with connected(to.store) as target:
        there, begun = await target.state()
    if begun:
        return "a move to it has begun, and goes on"
    return "it holds an installation already: name an empty one" if there else "it is empty"


def _state(there: There, target: str) -> str:
    if there.moved_to:
        return f"it has moved to {there.moved_to} already"
    return f"the database: {target}\nnothing was done: this was a look"


def _say(there: There, data: Path, to: Place) -> None:
    say(f"from {data} to {to}")
    say()
    table(["table", "how many"], [[n, f"{c:,}"] for n, c in there.rows.items()], empty="")
    say()
    if there.entries:
        say(f"and {there.entries:,} entries of the log, which are not processed yet")


def _told(done: Done | None, data: Path, to: Place) -> None:
    import os

    if done is None:
        say(f"{data} has moved to {to}: nothing is left to do")
        return
    rows = sum(each.rows for each in done.tables.values())
    say(f"moved to {to}: {rows:,} rows of {len(done.tables)} tables, each compared by count and checksum")
    if to.log:
        say(f"and {done.events:,} events of the log, compared too")
    say(f"{data} is kept as it is, and 'plaudit serve' refuses it from now on")
    if not os.environ.get(KEY):
        say(f"give every process of the cluster {KEY}: what is in {data / 'secret.key'}")
