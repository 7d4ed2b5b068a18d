"""`plaudit audience …`: who is in, who would be, and why."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from plaudit.cli.options import DATA, LIMIT, Data, DryRun, Json, Limit, Yes
from plaudit.cli.output import json_line, run, say, short, table

app = typer.Typer(
    name="audience",
    help="Audiences and computed traits: who is in, who would be, and why.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(help="Its name in the configuration, or its key.", show_default=False)]
Who = Annotated[
    str,
    typer.Argument(
        help="An e-mail address, a user id, an anonymous id, TYPE:VALUE, or #PROFILE.", show_default=False
    ),
]


def ask_store(data: Any, ask: Callable[..., Any]) -> Any:
    """Whatever `ask` answers of the store and the kinds of destinations."""
    from plaudit.destinations.catalog import destinations
    from plaudit.installation import open_store

    async def main() -> Any:
        store = open_store(data)
        try:
            return await ask(store, destinations())
        finally:
            await store.close()

    return run(main)


@app.command("list")
def list_(json: Json = False, data: Data = DATA) -> None:
    """List audiences and computed traits with their sizes and syncs."""
    from plaudit.manage import audiences

    found = ask_store(data, audiences.listed)
    if json:
        for each in found:
            json_line(each)
        return
    rows = []
    for each in found:
        state = each.state if each.progress is None else f"{each.state} {each.progress:.0%}"
        syncs = [_sync(sync) for sync in each.syncs] or ["told to nobody"]
        rows.append([each.name, each.kind, each.key, state, f"{each.size:,}", syncs[0]])
        rows += [["", "", "", "", "", more] for more in syncs[1:]]
    table(
        ["name", "kind", "key", "state", "members", "told to"],
        rows,
        empty="no audiences yet: add [audiences.NAME] to the configuration (docs/audiences.md)",
    )
    for each in found:
        if each.fault:
            say(f"{each.name}: {each.fault}")


def _sync(sync: Any) -> str:
    from plaudit.manage.audiences import KEPT

    if sync.state == KEPT:
        return f"{sync.destination}: {KEPT}"
    said = f"{sync.destination}: {sync.state}, {sync.told:,} told"
    if sync.failed:
        said += f", {sync.failed:,} failed (plaudit invitations --calls)"
    if sync.started_at is not None and sync.ended_at is None:
        said += f", {sync.looked_at:,} of {sync.total:,} looked at"
    if sync.next_at is not None:
        said += f", next {short(sync.next_at)}"
    return said


@app.command("preview")
def preview(
    query: Annotated[
        str, typer.Argument(help="A query, or - to read it from standard input.", show_default=False)
    ],
    trait: Annotated[bool, typer.Option("--trait", help="It is a computed trait, not an audience.")] = False,
    json: Json = False,
    data: Data = DATA,
) -> None:
    """Count whom a query would match: at once about how many, then exactly."""
    from plaudit.clock import SystemClock
    from plaudit.manage import preview as previews

    written = sys.stdin.read() if query == "-" else query

    async def ask(store: Any, kinds: Any) -> None:
        clock = SystemClock()
        live = sys.stderr.isatty() and not json
        async for each in previews.preview(store, kinds, written, "trait" if trait else "audience", clock):
            if json:
                json_line(each)
            elif each.exact:
                if live:
                    print("\r\033[K", end="", file=sys.stderr)
                _exact(each, trait=trait)
            elif live and each.looked_at:
                print(f"\r\033[K{_about(each)}", end="", file=sys.stderr, flush=True)

    ask_store(data, ask)


def _about(each: Any) -> str:
    return f"about {each.estimate:,} ± {each.margin:,} (looked at {each.looked_at:,} profiles)"


def _exact(each: Any, *, trait: bool) -> None:
    if not each.looked_at:
        say("no profiles yet: they are made of the events that come in")
        return
    what = "have a value" if trait else "match"
    say(f"{each.matched:,} of {each.looked_at:,} profiles {what} ({each.matched / each.looked_at:.1%})")
    if trait and each.top:
        table(["value", "how many"], [[value, f"{count:,}"] for value, count in each.top], empty="")


@app.command("explain")
def explain(name: Name, who: Who, json: Json = False, data: Data = DATA) -> None:
    """Say why a person is in, or is not: each condition, on which events, and until when."""
    from plaudit.clock import SystemClock
    from plaudit.manage import audiences

    now = SystemClock().now()
    found = ask_store(data, lambda store, kinds: audiences.explained(store, kinds, name, who, now))
    if json:
        json_line(found)
        return
    since = f" since {short(found.since)}" if found.since is not None else ""
    until = f", may change {short(found.until)}" if found.until is not None else ""
    say(f"{found.key} of profile #{found.profile}: {word(found.value)}{since}{until} (UTC)")
    _tell(found.reason)


def _tell(reason: Any) -> None:
    from rich.console import Console
    from rich.tree import Tree

    def grow(tree: Tree, each: Any) -> None:
        branch = tree.add(_line(each))
        for part in each.parts:
            grow(branch, part)

    root = Tree("", hide_root=True)
    grow(root, reason)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=200, highlight=False)
    console.print(root)


def _line(reason: Any) -> Any:
    from rich.text import Text

    mark, style = ("yes", "green") if reason.holds else ("no ", "red")
    line = Text.assemble((mark, f"bold {style}"), " ")
    if reason.joined == "NOT":
        line.append("not this:")
    elif reason.joined:
        line.append("all of these:" if reason.joined == "AND" else "at least one of these:")
    else:
        line.append(reason.text)
        line.append(f"  is {word(reason.value)}", style="dim")
    if reason.counted is not None:
        events = ", ".join(short(at) for at in reason.events)
        more = ", …" if reason.counted > len(reason.events) else ""
        plural = "" if reason.counted == 1 else "s"
        line.append(f"  {reason.counted:,} event{plural}{': ' if events else ''}{events}{more}", style="dim")
    if reason.until is not None and not reason.parts:
        line.append(f"  until {short(reason.until)}", style="dim")
    return line


def word(value: Any) -> str:
    import msgspec

    return "not there" if value is None else msgspec.json.encode(value).decode()


@app.command("members")
def members(
    name: Name,
    after: Annotated[int, typer.Option("--after", min=0, help="Only profiles after this number.")] = 0,
    limit: Limit = LIMIT,
    json: Json = False,
    data: Data = DATA,
) -> None:
    """List who is in, by profile."""
    from plaudit.clock import iso
    from plaudit.manage import audiences

    most = limit or 1 << 62
    found = ask_store(
        data, lambda store, kinds: audiences.members(store, kinds, name, after=after, limit=most)
    )
    if json:
        for each in found:
            json_line(
                {
                    "profile": each.profile_id,
                    "value": each.value,
                    "since": iso(each.since),
                    "until": None if each.until is None else iso(each.until),
                    "identifiers": [{"type": one.type, "value": one.value} for one in each.identifiers],
                }
            )
        return
    table(
        ["profile", "value", "since (UTC)", "until (UTC)", "known as"],
        [
            [
                f"#{each.profile_id}",
                word(each.value),
                short(each.since),
                "" if each.until is None else short(each.until),
                ", ".join(one.value for one in each.identifiers[:4]),
            ]
            for each in found
        ],
        empty="nobody" + (" after that profile" if after else " is in"),
    )


@app.command("leave")
def leave(
    name: Name, dry_run: DryRun = False, yes: Yes = False, json: Json = False, data: Data = DATA
) -> None:
    """Tell destinations that all members of a disabled audience have left."""
    from plaudit.cli.ask import agree
    from plaudit.clock import SystemClock
    from plaudit.manage import audiences

    now = SystemClock().now()

    def ask(dry: bool) -> Any:
        return ask_store(data, lambda store, kinds: audiences.leave(store, kinds, name, now, dry=dry))

    counts = ask(True)
    told = sum(counts.values())
    if not json:
        for destination, count in counts.items():
            say(f"{destination} believes that {count:,} are members")
        if not told:
            say("nobody is to be told of")
    if not dry_run and told:
        agree("Tell them that all have left?", yes=yes, json=json)
        ask(False)
        if not json:
            say("begun: a running server tells them; 'plaudit audience list' shows how far it is")
    if json:
        json_line({"dry_run": dry_run, "told": counts})
