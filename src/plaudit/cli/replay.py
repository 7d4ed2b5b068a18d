"""`plaudit replay`: events that came in before, through today's configuration. First what it would come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from plaudit.cli.options import DATA, Data, DryRun, Summary, Yes
from plaudit.cli.output import json_line, run, say, table

if TYPE_CHECKING:
    from plaudit.installation import Place
    from plaudit.process.replay import Range, Reach, Tally
    from plaudit.store.base import Configuration

_OfOrder = Annotated[
    str | None, typer.Option("--order", help="Only events of this order id.", show_default=False)
]


def replay(
    since: Annotated[
        str | None,
        typer.Option(
            help='Events received from then on: ISO 8601 date or time, or how long ago: "2 days". Needed unless --order.',
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Events received before then.", show_default=False)
    ] = None,
    order: _OfOrder = None,
    source: Annotated[
        str | None, typer.Option(help="Only events of this source.", show_default=False)
    ] = None,
    disposition: Annotated[
        str | None, typer.Option(help="Only events that have this disposition now.", show_default=False)
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Summary = False,
    data: Data = DATA,
) -> None:
    """Judge events anew by today's configuration; what has its invitation keeps it."""
    from plaudit.errors import UsageError
    from plaudit.manage import when
    from plaudit.process.replay import Range
    from plaudit.spec.dispositions import SENTENCES
    from plaudit.spec.timestamps import LATEST

    if since is None and order is None:
        raise UsageError("say from when on with --since, such as --since '2 days', or which --order")
    if disposition is not None and disposition not in SENTENCES:
        raise UsageError(f"--disposition must be one of {', '.join(SENTENCES)}, not {disposition!r}")
    first, last = when.span(since, until)
    wanted = Range(since=first or 0, until=last or LATEST, order_id=order, disposition=disposition)
    run(lambda: _replay(data, wanted, source, dry_run=dry_run, yes=yes, json=json))


async def _replay(
    data: Place, wanted: Range, source: str | None, *, dry_run: bool, yes: bool, json: bool
) -> None:
    import msgspec

    from plaudit.cli.ask import agree
    from plaudit.cli.progress import Progress
    from plaudit.clock import SystemClock, iso
    from plaudit.destinations.catalog import destinations
    from plaudit.installation import open_log, open_store
    from plaudit.process.customers import Customers
    from plaudit.process.plan import routes
    from plaudit.process.replay import Everywhere
    from plaudit.store.access import COMMAND

    store = open_store(data)
    log = open_log(data)
    try:
        configuration = await store.configuration()
        wanted = msgspec.structs.replace(wanted, source_id=_source_id(configuration, source))
        kinds = destinations()
        customers = Customers(store.profiles, configuration, kinds)
        events = Everywhere(log, store, routes(configuration, kinds), wanted, customers)
        reach = await events.reach()

        async def judge(*, dry: bool) -> Tally:
            with Progress("looking" if dry else "replaying", reach.last - reach.after, "events") as progress:
                return await events.run(SystemClock().now(), dry=dry, told=progress.to)

        tally = await judge(dry=True) if dry_run or not yes else None
        if tally is not None and not json:
            _show(tally, reach, wanted, would=True)
        anything = tally is None or any(tally.dispositions.values())
        if anything and not dry_run:
            agree("Replay these events?", yes=yes, json=json)
            about = f"order {wanted.order_id}" if wanted.order_id else f"events since {iso(wanted.since)}"
            await store.access.record(COMMAND, "replay", about, "", SystemClock().now())
            tally = await judge(dry=False)
            if not json and yes:
                _show(tally, reach, wanted, would=False)
            elif not json:
                say(f"made {made(tally)}")
        if json and tally is not None:
            json_line(_summary(tally, reach, configuration, dry_run=dry_run))
    finally:
        await log.close()
        await store.close()


def _source_id(configuration: Configuration, name: str | None) -> int | None:
    """Raises `PlauditError`: no source has the name."""
    from plaudit.errors import PlauditError

    if name is None:
        return None
    ids = {source.name: source.id for source in configuration.sources}
    ids |= {inlet.name: inlet.id for inlet in configuration.inlets}
    if name not in ids:
        raise PlauditError(f"no source is called {name!r}; there is {', '.join(sorted(ids)) or 'none yet'}")
    return ids[name]


def _show(tally: Tally, reach: Reach, wanted: Range, *, would: bool) -> None:
    from plaudit.clock import iso

    if reach.gone or (reach.oldest is not None and wanted.since < reach.oldest):
        gone = f"{many(reach.gone, 'older event')} cannot be replayed: " if reach.gone else ""
        kept = f"the log has events from {iso(reach.oldest)} on" if reach.oldest else "the log has none"
        say(f"{gone}{kept}")
    if not any(tally.dispositions.values()):
        say(f"{tally.events:,} events looked at; there is nothing to judge anew{_kept(tally)}")
        return
    if would:
        dispositions_table(tally)
    say(("would make " if would else "made ") + made(tally) + _kept(tally))


def dispositions_table(tally: Tally) -> None:
    """What became of how many events, the most frequent first."""
    from plaudit.spec import dispositions

    rows = [[c, f"{n:,}", dispositions.sentence(c)] for c, n in tally.dispositions.most_common() if n]
    table(["disposition", "events", "what it means"], rows, empty="no events", colour="disposition")
    say()


def made(tally: Tally) -> str:
    """`12 invitations, 3 corrected ones, 5 calls`."""
    from plaudit.spec import dispositions

    count = tally.dispositions
    parts = [many(count[dispositions.INVITED], "invitation")]
    if count[dispositions.CORRECTED]:
        parts.append(f"{count[dispositions.CORRECTED]:,} with corrected data")
    if count[dispositions.PASSED_ON]:
        parts.append(many(count[dispositions.PASSED_ON], "call"))
    return ", ".join(parts)


def many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _kept(tally: Tally) -> str:
    from plaudit.spec import dispositions

    there = tally.kept + tally.dispositions[dispositions.DUPLICATE_ORDER]
    return f"; {there:,} had {'its own' if there == 1 else 'theirs'} already" if there else ""


def _summary(tally: Tally, reach: Reach, configuration: Configuration, *, dry_run: bool) -> dict[str, Any]:
    from plaudit.clock import iso

    names = {d.id: d.name for d in configuration.destinations}
    return {
        "dry_run": dry_run,
        "events": tally.events,
        "dispositions": dict(tally.dispositions),
        "made": {names.get(id_, str(id_)): count for id_, count in tally.made.items()},
        "kept": tally.kept,
        "gone": reach.gone,
        "log_since": iso(reach.oldest) if reach.oldest else None,
    }
