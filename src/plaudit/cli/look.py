"""`plaudit events` and `plaudit invitations`: what came in, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from plaudit.cli.options import (
    DATA,
    LIMIT,
    Calls,
    Data,
    Json,
    Limit,
    OfDestination,
    OfEmail,
    OfReason,
    OfSource,
    OfState,
    Since,
    Until,
)
from plaudit.cli.output import json_line, run, say, short, table


def events(
    source: Annotated[str | None, typer.Option(help="Only from this source.", show_default=False)] = None,
    disposition: Annotated[
        str | None, typer.Option(help="Only with this disposition.", show_default=False)
    ] = None,
    order: Annotated[str | None, typer.Option(help="Only of this order id.", show_default=False)] = None,
    limit: Limit = LIMIT,
    json: Json = False,
    data: Data = DATA,
) -> None:
    """List events with what became of each."""
    from plaudit.errors import UsageError
    from plaudit.manage import shapes
    from plaudit.manage.events import FindEvents, selection
    from plaudit.manage.problems import ProblemError

    wanted = FindEvents(source=source, disposition=disposition, order_id=order)
    try:
        chosen = selection(wanted)
    except ProblemError as error:
        raise UsageError(f"--{error.detail}, not {disposition!r}") from None
    found = _read(data, lambda s: s.events(**chosen, limit=limit))
    if json:
        for e in found:
            json_line(shapes.event(e))
        return
    table(
        ["when (UTC)", "source", "event", "order", "disposition", "what or why"],
        [
            [
                short(e.received_at),
                e.source or "",
                e.event or e.type,
                e.order_id or "",
                e.disposition,
                e.message,
            ]
            for e in found
        ],
        empty="no events"
        + (" that match" if source or disposition or order else " yet: send one with 'plaudit send'"),
        colour="disposition",
    )


def invitations(
    state: OfState = None,
    order: Annotated[
        str | None,
        typer.Option("--order", help="Only of this order id; shows its attempts.", show_default=False),
    ] = None,
    destination: OfDestination = None,
    source: OfSource = None,
    reason: OfReason = None,
    email: OfEmail = None,
    since: Since = None,
    until: Until = None,
    calls: Calls = False,
    requests: Annotated[
        bool,
        typer.Option("--requests", help="With --order: what each attempt sent, and what came back."),
    ] = False,
    limit: Limit = LIMIT,
    json: Json = False,
    data: Data = DATA,
) -> None:
    """List invitations with their states."""
    from plaudit.cli import choose
    from plaudit.destinations.base import State
    from plaudit.errors import UsageError

    if state is not None and state not in set(State):
        raise UsageError(f"--state must be one of {', '.join(State)}, not {state!r}")
    if requests and not order:
        raise UsageError("--requests needs --order: the attempts of one order are shown")
    chosen = choose.selection(
        order=order, state=state, destination=destination, source=source, reason=reason, email=email,
        since=since, until=until, calls=calls,
    )  # fmt: skip
    found = _read(data, lambda s: s.invitations(limit=limit, **chosen))
    if json:
        for i in found:
            json_line(_history(*_read(data, lambda s, i=i: _whole(s, i.id))) if order else _invitation(i))
        return
    if not found:
        thing = "calls" if calls else "invitations"
        say(f"no {thing}" + (" that match" if chosen.keys() - {"what"} else " yet"))
    else:
        choose.rows(found, calls=calls)
    if order:
        for i in found:
            say()
            whole, attempts = _read(data, lambda s, i=i: _whole(s, i.id))
            _attempts(whole, attempts)
            if requests:
                _exchanges(whole, attempts)


async def _whole(store: Any, id_: int) -> Any:
    """An invitation with all that is known of it, and its attempts."""
    return await store.invitation(id_), await store.attempts(id_)


def _attempts(invitation: Any, attempts: list[Any]) -> None:

    table(
        ["when (UTC)", "id", "attempt", "outcome", "answer", "took", "why"],
        [
            [
                short(a.started_at),
                str(invitation.id),
                str(a.number),
                a.outcome,
                str(a.status or "none"),
                f"{a.finished_at - a.started_at} ms",
                f"{a.reason} {a.message}".strip(),
            ]
            for a in attempts
        ],
        empty=f"invitation {invitation.id} has no finished attempt yet",
        colour="outcome",
    )


def _exchanges(invitation: Any, attempts: list[Any]) -> None:
    from plaudit.manage import shapes

    for each in attempts:
        for exchange in shapes.attempt(each, invitation, masked=False).exchanges:
            say()
            say(f"attempt {each.number}: {exchange.sent.method} {exchange.sent.url}")
            _message(exchange.sent)
            came = exchange.came
            say(f"answer after {exchange.took} ms: {exchange.lost if came is None else came.status}")
            if came is not None:
                _message(came)


def _message(message: Any) -> None:
    for name, value in message.headers.items():
        say(f"  {name}: {value}")
    if message.body:
        say(f"  {message.body}")


def _invitation(i: Any) -> Any:
    from plaudit.manage import shapes

    return shapes.invitation(i, masked=False)


def _history(i: Any, attempts: list[Any]) -> Any:
    import msgspec

    from plaudit.manage import shapes

    history = [shapes.attempt(a, i, masked=False) for a in attempts]
    return msgspec.to_builtins(_invitation(i)) | {"history": history}


def _read(data: Any, ask: Any) -> Any:
    from plaudit.installation import open_store

    async def main() -> Any:
        store = open_store(data)
        try:
            return await ask(store)
        finally:
            await store.close()

    return run(main)
