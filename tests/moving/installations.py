"""Installations to move, and what of them must be the same afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from conformance.rows import SETTINGS, ended, event, order, wanted
from plaudit.destinations.base import Outcome, State
from plaudit.destinations.catalog import destinations
from plaudit.engage.definitions import Options
from plaudit.engage.identifiers import Identifier
from plaudit.engage.sighting import Sighting
from plaudit.installation import Place, open_log, open_store
from plaudit.process.profiles import definitions_of
from plaudit.spec import dispositions
from plaudit.spec.cancellation import Cancellation
from plaudit.spec.envelope import Entry, Envelope, event_id
from plaudit.store.access import Role, Via, Who, hashed
from plaudit.store.base import EventRow, Route, Store, WantedDefinition
from plaudit.store.decisions import Decided

PROCESSED, WAITING = 6, 40  # entries of the log
ODD = 'o"\\\0\t\n\ud7ff\U0001f600'  # what COPY, JSON and PostgreSQL's text each have their way with


def seed(data: Path, many: int = 0) -> Path:
    """Every table has rows: all states, a duplicate, a refused event, what was taken out, odd texts; `many` more."""

    async def main() -> None:
        store = open_store(data, create=True)
        await store.apply(wanted(), now=500)
        rows = [event(1, n, orders={1: order(n + 1), 2: order(n + 1)}) for n in range(12)]
        await store.commit(0, 0, 1, rows, now=1000)
        back = Cancellation("77", 950, "Order Refunded", 0.1 + 0.2)
        odd: list[EventRow] = [
            event(2, 0, message_id=rows[0].message_id, orders={1: order(99)}),
            event(2, 1, disposition="event_not_defined", refused=True)._replace(detail=ODD),
            event(2, 2, message_id=ODD, orders={1: order(ODD)})._replace(name=ODD),
            event(2, 3, codes={1: "NO_MATCHING_MAPPING"}),
            event(2, 4)._replace(routes=[Route(1, dispositions.CANCELLED, None, None, back)]),
        ]
        await store.commit(0, 1, 3, odd, now=1100)
        ends = [
            (Outcome.ACCEPTED, State.ACCEPTED),
            (Outcome.RETRY, State.QUEUED),
            (Outcome.REFUSED, State.REFUSED),
            (Outcome.UNCERTAIN, State.UNCERTAIN),
            (Outcome.RETRY, State.FAILED),
        ]
        claimed = await store.turn(1, [], 6, "gone", now=2000, lease_until=99_000)
        settled = [
            ended(c, *end, due_at=5000)._replace(exchanges=f'{{"of":[{c.id}]}}'.encode())
            for c, end in zip(claimed, ends, strict=False)
        ]
        await store.turn(1, settled, 0, "gone", now=3000, lease_until=99_000)
        await store.pause(2, "key_unknown", "the key is wrong", now=3100)
        await store.decide(Decided.CANCEL, decision=1, after=0, limit=1, now=3200, destination="second")
        if many:
            bulk = [event(4 + n // 4000, n % 4000, orders={1: order(1000 + n)}) for n in range(many)]
            await store.commit(0, 3, PROCESSED, bulk, now=1200)
        else:
            await store.commit(0, 3, PROCESSED, [], now=1200)
        await store.forget("nobody@example.com", now=3300)
        await profiles(store)
        less = {"trustpilot": ("trustpilot", SETTINGS, ["shop"])}
        await store.apply(wanted(sources={"shop": "k"}, destinations=less), now=4000)
        person = await store.access.add_person("zoë", Role.ADMIN, "argon2id", now=4100)
        await store.access.add_token("backup", Role.VIEWER, hashed("token"), now=4200)
        assert person is not None
        me = Who(person.id, person.name, person.role, Via.SESSION)
        await store.access.record(me, "export", "configuration", "", now=4300)
        await store.close()
        await accept(data, PROCESSED + WAITING)

    asyncio.run(main())
    return data


async def profiles(store: Store) -> None:
    """An audience with members, who were told of."""
    partner = {"channel": "partner", "api_key": "partnerKey", "base_url": "http://127.0.0.1:9/x"}
    audience = WantedDefinition(
        "audience", "recent", "recent", "event('Order Completed').within(30 days).count() >= 1", Options(), True, ["trustpilot"]
    )  # fmt: skip
    to = {"trustpilot": ("trustpilot", partner, ["shop"])}
    configuration = await store.apply(
        msgspec.structs.replace(wanted(destinations=to), definitions=[audience]), now=3400
    )
    definitions = definitions_of(configuration, destinations())
    seen = [
        Sighting(event_id(0, 1, n), 1, 3000, (Identifier("user_id", f"u{n}"), Identifier("email", f"c{n}@example.com")), "Order Completed", traits={"odd": ODD})
        for n in range(12)
    ]  # fmt: skip
    await store.profiles.take(0, 0, PROCESSED, seen, definitions, 3500)
    while todo := await store.profiles.todo(definitions, 3600):
        for definition_id, destination_id in todo:
            if destination_id is None:
                await store.profiles.backfill(definition_id, definitions, 3600, 5)
            else:
                await store.profiles.sync((definition_id, destination_id), definitions, 3600, 5)


async def accept(data: Path, count: int) -> None:
    """Entries as collect appends them, of one, two or three events."""
    log = open_log(data)
    for number in range(1, count + 1):
        entry = Entry(
            1,
            10_000 + number,
            [envelope(f"e{number}-{n}", f"u{number * (n + 1) % 7}") for n in range(number % 3 + 1)],
            b'{"locale":"de"}' if number % 2 else b"",
        )
        await log.append(entry)
    await log.close()


def envelope(name: str, user: str) -> Envelope:
    body = (
        f'{{"type":"track","event":"Order Completed","messageId":"{name}","userId":"{user}",'
        f'"properties":{{"order_id":"{name}","email":"{name}@example.com"}}}}'
    )
    return Envelope(name, "track", 9000, body.encode())


def known(data: Path | Place) -> dict[str, Any]:
    """All that a store says of itself."""

    async def main() -> dict[str, Any]:
        store = open_store(data)
        try:
            return await everything(store)
        finally:
            await store.close()

    return asyncio.run(main())


async def everything(store: Store) -> dict[str, Any]:
    configuration = await store.configuration()
    invitations = await store.invitations()
    return _clean(
        {
            "configuration": configuration,
            "cursor": await store.cursor(0),
            "invitations": sorted(invitations, key=lambda each: each.id),
            "attempts": {each.id: await store.attempts(each.id) for each in invitations},
            "events": sorted(await store.events(), key=lambda each: each.id),
            "states": await store.states(),
        }
    )


def _clean(found: dict[str, Any]) -> dict[str, Any]:
    """As text, in which U+0000 is what PostgreSQL holds for it."""
    return {
        key: repr(value).replace("\\x00", "\ufffd").replace("\\u0000", "\ufffd")
        for key, value in found.items()
    }
