"""`plaudit profile`: what is known of a person."""

from __future__ import annotations

from plaudit.cli.audience import Who, ask_store, word
from plaudit.cli.options import DATA, Data, Json
from plaudit.cli.output import json_line, say, short, table


def profile(who: Who, json: Json = False, data: Data = DATA) -> None:
    """Look a person up: names, traits, audiences, and what destinations were told."""
    from plaudit.clock import SystemClock, iso
    from plaudit.manage import profiles

    now = SystemClock().now()
    found = ask_store(data, lambda store, kinds: profiles.person(store, kinds, who, now))
    if json:
        shown = {
            "profile": found.id,
            "created_at": iso(found.created_at),
            "merges": found.merges,
            "events": found.events,
            "identifiers": [{"type": one.type, "value": one.value} for one in found.identifiers],
            "traits": found.traits,
            "values": found.values,
            "told": [{"destination": to, "key": key, "value": value} for to, key, value in found.told],
        }
        json_line(shown)
        return
    merged = f", made of {found.merges + 1} profiles" if found.merges else ""
    events = f"{found.events:,} event{'' if found.events == 1 else 's'}"
    say(f"profile #{found.id}: {events}, first seen {short(found.created_at)} (UTC){merged}")
    say()
    table(["name", "value"], [[one.type, one.value] for one in found.identifiers], empty="no names")
    if found.traits:
        say()
        table(["trait", "value"], [[name, word(value)] for name, value in found.traits.items()], empty="")
    if found.values:
        say()
        told: dict[str, list[str]] = {}
        for to, key, value in found.told:
            told.setdefault(key, []).append(f"{to} was told {word(value)}")
        table(
            ["audience or trait", "value", "since (UTC)", "until (UTC)", "told"],
            [
                [
                    each.key,
                    word(each.value),
                    short(each.since),
                    "" if each.until is None else short(each.until),
                    ", ".join(told.get(each.key, ())),
                ]
                for each in found.values
            ],
            empty="",
        )
