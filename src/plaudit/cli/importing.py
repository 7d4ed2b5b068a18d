"""`plaudit import`: archives of events into an installation. First what they would come to; it goes on where it was."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from plaudit.cli.options import DATA, Data, DryRun, Yes
from plaudit.cli.output import json_line, run, say

if TYPE_CHECKING:
    from plaudit.collect.archive import Archive
    from plaudit.collect.imports import Imported, Importer, Record
    from plaudit.installation import Place
    from plaudit.process.replay import Foresight
    from plaudit.store.base import Configuration, Source, Store


class Job(NamedTuple):
    """A file with its key in the record, and how far it has come."""

    archive: Archive
    key: str
    state: Imported
    refused: Path


def import_(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Archives: one event a line or an array, plain or .gz; - for standard input.",
            show_default=False,
        ),
    ],
    source: Annotated[
        str | None, typer.Option(help="The source that they came from.", show_default=False)
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Keep the events, and invite nobody for them.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="From the beginning, also what was imported before.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
    data: Data = DATA,
) -> None:
    """Import archives of events; goes on where it was interrupted."""
    from plaudit.errors import UsageError

    if "-" in files and not (history or yes or dry_run):
        raise UsageError(
            "standard input can be read only once: say --yes or --history, or look at it with --dry-run"
        )
    code = run(lambda: _import(files, source, history, again, dry_run, yes, json, data))
    if code:
        raise typer.Exit(code)


async def _import(
    files: list[str],
    source: str | None,
    history: bool,
    again: bool,
    dry_run: bool,
    yes: bool,
    json: bool,
    data: Place,
) -> int:
    from plaudit.cli.ask import agree
    from plaudit.clock import SystemClock
    from plaudit.collect.imports import Importer, Record
    from plaudit.installation import open_log, open_store

    store = open_store(data)
    log = open_log(data)
    lock = None
    try:
        configuration = await store.configuration()
        its = _source(configuration, source)
        lock = None if dry_run else _lock(data.data)
        record = Record(data.data / "imports.json")
        jobs = [_job(place, its.name, record, data.data, history=history, again=again) for place in files]
        todo = [job for job in jobs if not job.state.done]
        for job in jobs:
            if job.state.done and not json:
                _say_done(job.state)
        if todo and (dry_run or not (history or yes)):
            seen = await _foresee(store, configuration, its.id, todo, history=history)
            _warn(seen, history=history, json=json, dry_run=dry_run)
            if any(seen.tally.made.values()) and not dry_run:
                agree("Import them and invite these customers?", yes=yes, json=json)
        if dry_run:
            return int(any(job.archive.fault for job in todo))
        code = 0
        for job in todo:
            importer = Importer(log, store, SystemClock(), record, waits=_waits)
            code |= await _one(importer, job, its.id, json=json)
        return code
    finally:
        if lock is not None:
            lock.close()
        await log.close()
        await store.close()


def _source(configuration: Configuration, name: str | None) -> Source:
    from plaudit.errors import PlauditError

    sources = {source.name: source for source in configuration.sources}
    names = ", ".join(sources) or "none: apply a configuration first"
    if name is None and len(sources) == 1:
        return next(iter(sources.values()))
    if name is None:
        raise PlauditError(f"from which source? Name it with --source; there is {names}")
    if name not in sources:
        raise PlauditError(f"no source is called {name!r}; there is {names}")
    return sources[name]


def _lock(data: Path) -> IO[bytes]:
    """One import at a time. Raises `InUseError`."""
    import fcntl

    from plaudit.errors import InUseError

    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (data / "import.lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise InUseError(f"another 'plaudit import' works on {data}: wait for it, or stop it") from None
    return file


def _job(place: str, source: str, record: Record, data: Path, *, history: bool, again: bool) -> Job:
    import os

    from plaudit.collect.archive import Archive
    from plaudit.collect.imports import Imported

    archive = Archive(place)
    fingerprint = archive.fingerprint()
    key = record.key(fingerprint, source, history=history) if fingerprint else ""
    known = record.find(key) if key and not again else None
    state = known or Imported(archive.name, source, history)
    if archive.path is None:
        refused = data / "stdin.refused.ndjson"
    else:
        refused = archive.path.with_name(archive.path.name + ".refused.ndjson")
        if not os.access(refused.parent, os.W_OK):
            refused = data / refused.name
    return Job(archive, key, state, refused)


async def _foresee(
    store: Store, configuration: Configuration, source_id: int, todo: list[Job], *, history: bool
) -> Foresight:
    """What they would come to, event by event; nothing is kept."""
    from plaudit.cli.progress import Progress
    from plaudit.clock import SystemClock
    from plaudit.collect.archive import envelope
    from plaudit.collect.imports import EVENTS
    from plaudit.destinations.catalog import destinations
    from plaudit.process.plan import routes
    from plaudit.process.replay import Foresight
    from plaudit.spec.envelope import Entry

    seen = Foresight(store, routes(configuration, destinations()))
    now = SystemClock().now()
    read = 0
    with Progress("looking", sum(job.archive.size for job in todo), "events", counts_bytes=True) as progress:
        for job in todo:
            entry = Entry(source_id, now, [], history=history)
            for number, line in job.archive.lines():
                if number <= job.state.lines:
                    continue
                entry.events.append(envelope(line, now))
                if len(entry.events) == EVENTS:
                    await seen.add(entry, now)
                    entry = Entry(source_id, now, [], history=history)
                    progress.to(read + job.archive.read_bytes, seen.tally.events)
            await seen.add(entry, now)
            read += job.archive.size
            if job.archive.fault:
                print(f"plaudit: {job.archive.fault}", file=sys.stderr)
    return seen


def _warn(seen: Foresight, *, history: bool, json: bool, dry_run: bool) -> None:
    from plaudit.cli.replay import dispositions_table, made
    from plaudit.clock import iso

    tally = seen.tally
    oldest = iso(tally.first_order) if tally.first_order is not None else None
    if json:
        if dry_run:
            found = dict(tally.dispositions)
            json_line(
                {"dry_run": True, "events": tally.events, "dispositions": found, "oldest_order": oldest}
            )
        return
    dispositions_table(tally)
    if any(tally.made.values()):
        say(f"would make {made(tally)}; the oldest order is of {(oldest or '')[:10]}")
        if not dry_run:
            say("their customers are then invited now: --history imports without inviting anybody")
    else:
        say("would make no invitation" + (": it is history" if history else ""))


async def _one(importer: Importer, job: Job, source_id: int, *, json: bool) -> int:
    """Import a file and say how it went; 1 if something in it was no event."""
    from plaudit.cli.progress import Progress

    before = job.state
    name = job.archive.path.name if job.archive.path else job.archive.name
    with Progress(f"importing {name}", job.archive.size, "events", counts_bytes=True) as progress:
        importer.told = progress.to
        after = await importer.run(job.archive, job.key, source_id, before, job.refused)
    if json:
        refused = str(job.refused) if after.refused else None
        found: dict[str, Any] = {"file": job.archive.name, "events": after.events - before.events}
        found |= {"events_in_all": after.events, "refused": after.refused, "refused_file": refused}
        json_line(found | {"done": after.done, "fault": job.archive.fault or None})
    else:
        on = f" (after {before.events:,} before)" if before.events else ""
        say(f"{job.archive.name}: {after.events - before.events:,} events imported{on}")
        if after.refused:
            say(f"  {after.refused:,} are no good events: {job.refused} says which and why")
    if job.archive.fault:
        print(f"plaudit: {job.archive.fault}", file=sys.stderr)
    return int(bool(job.archive.fault or after.refused))


def _say_done(state: Imported) -> None:
    say(
        f"{state.file}: {state.events:,} events were imported by {state.at[:16].replace('T', ' ')} UTC;"
        " nothing is left to do (--again imports them once more)"
    )


def _waits(why: str) -> None:
    print(f"plaudit: {why}; waiting, and then going on", file=sys.stderr, flush=True)
