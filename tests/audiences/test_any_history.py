"""Any history against a naive one that works everything out from all events at each moment.

Late, early and repeated events, people who become one, people who are forgotten, definitions that change, clocks that
run, portions of everything in any order, and restarts between any two steps.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from engage.oracle import Oracle
from engage.test_oracle import alike
from plaudit.config import parse
from plaudit.destinations.base import Outcome, State
from plaudit.destinations.catalog import destinations
from plaudit.engage.definitions import Definitions, nothing
from plaudit.engage.facts import Fact, TraitValue
from plaudit.engage.identifiers import Identifier
from plaudit.engage.identity import Known, Seen, resolve
from plaudit.engage.language import read
from plaudit.engage.sighting import Sighting
from plaudit.installation import apply
from plaudit.process.profiles import definitions_of
from plaudit.secrets import vault
from plaudit.store.base import Settled, Store
from plaudit.store.sqlite import SqliteStore
from properties import THOROUGH

START = 1_795_459_200_000
HOUR = 3_600_000
DAY = 24 * HOUR
STEPS = 40
HISTORIES = 48 * max(THOROUGH, 1)

QUERIES: dict[str, Sequence[str]] = {
    "recent": ("event('O').within(2 days).count() >= 1", "event('O').within(3 days).count() >= 1"),
    "twice": ("event('O').count() >= 2 AND trait('recent') = true", "event('O').count() >= 2"),
    "never": ("NOT event('C').count() >= 1",),
    "gold": ("trait('plan') = 'gold' OR trait('spent') >= 20", "trait('plan') = 'gold'"),
    "lost": (
        "event('C').where(event('O').within(parent: 1 days).count() < 1).between(1 days, 4 days).count() >= 1",
    ),
    "both": ("trait('twice') = true AND trait('gold') = true",),
}
TRAITS: dict[str, Sequence[str]] = {
    "spent": ("event('O').within(5 days).sum(property('total'))", "event('O').sum(property('total'))"),
    "top": ("event('O').mode(property('sku'), 2)",),
}
HEAD = """
[sources.shop]
[destinations.one]
type = "trustpilot"
sources = ["shop"]
settings = { channel = "partner", api_key = "partnerKey", base_url = "http://127.0.0.1:9/x", allow_private = true }
[destinations.two]
type = "trustpilot"
sources = ["shop"]
settings = { channel = "partner", api_key = "otherKey12", base_url = "http://127.0.0.1:9/y", allow_private = true }
"""


class Naive:
    """Everybody, with all that they did, in a list."""

    def __init__(self) -> None:
        self.people: list[dict[str, Any]] = []
        self._seen: set[int] = set()

    def see(self, sighting: Sighting, now: int) -> None:
        if sighting.event_id in self._seen:
            return
        self._seen.add(sighting.event_id)
        known = {
            index: Known(
                index, tuple(Seen(*each) for each in one["names"].items()), one["created"], one["merges"]
            )
            for index, one in enumerate(self.people)
        }
        matches = {each.identifier: one for one in known.values() for each in one.seen}
        decision = resolve(sighting.identifiers, matches, at=sighting.at)
        if decision.action == "nobody":
            return
        if decision.profile is None:
            self.people.append({"names": {}, "created": sighting.at, "merges": 0, "facts": [], "traits": {}})
            person = self.people[-1]
        else:
            person = self.people[decision.profile]
        for other in sorted(decision.merged):
            gone = self.people[other]
            person["names"] |= gone["names"]
            person["facts"] += gone["facts"]
            person["created"] = min(person["created"], gone["created"])
            person["merges"] += gone["merges"] + 1
            for name, value in gone["traits"].items():
                if name not in person["traits"] or value.since >= person["traits"][name].since:
                    person["traits"][name] = value
        for each in decision.identifiers:
            person["names"][each] = max(person["names"].get(each, 0), sighting.at)
        if sighting.name:
            properties = msgspec.json.decode(sighting.properties)
            person["facts"].append(
                (sighting.at, sighting.event_id, Fact(sighting.name, sighting.at, properties, "shop"))
            )
        for name, value in sighting.traits.items():
            at = min(sighting.at, now)
            if name not in person["traits"] or at >= person["traits"][name].since:
                person["traits"][name] = TraitValue(value, at)
        self.people = [one for index, one in enumerate(self.people) if index not in decision.merged]

    def forget(self, email: str) -> None:
        self.people = [one for one in self.people if Identifier("email", email) not in one["names"]]

    def values(self, person: dict[str, Any], definitions: Definitions, now: int) -> dict[str, Any]:
        """By key, of all that are switched on."""
        facts = [fact for *_, fact in sorted(person["facts"], key=lambda row: row[:2])]
        audiences = frozenset(k for k, d in definitions.by_key.items() if d.kind == "audience")
        traits: dict[str, TraitValue] = dict(person["traits"])
        memberships: dict[str, bool] = {}
        found: dict[str, Any] = {}
        for id_ in definitions.order:
            definition = definitions.by_id[id_]
            value = Oracle(facts, traits, memberships, audiences).value(
                read(definition.query, definition.kind), now
            )
            found[definition.key] = value
            if definition.kind == "audience":
                memberships[definition.key] = value
            elif value is None:
                traits.pop(definition.key, None)
            else:
                traits[definition.key] = TraitValue(value, 0)
        return found


class World:
    """One history, on a real file."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = Random(seed)
        self.said = f"seed {seed}"
        self.folder = folder
        self.now = START
        self.naive = Naive()
        self.store: Store = self._open()
        self.definitions = Definitions(0)
        self.position = 0
        self.events = 0
        self.sent: list[Sighting] = []
        self.forgotten: set[int] = set()
        self.heard: dict[tuple[int, str, str], list[Any]] = {}  # destination, key, profile: values
        self.config: dict[str, dict[str, Any]] = {}

    def _open(self) -> Store:
        return SqliteStore(self.folder / "store.db", vault(self.folder))

    async def run(self) -> None:
        await self.configure()
        steps = (
            [self.events_come] * 8
            + [self.time_goes] * 4
            + [self.work] * 6
            + [self.configure] * 3
            + [self.restart]
        )
        steps += [self.forget, self.partner_hears] * 1
        for _ in range(STEPS):
            await self.random.choice(steps)()
            if self.random.random() < 0.15:
                await self.check()
        await self.check()
        await self.store.close()

    async def configure(self) -> None:
        """Anything may be added, changed, switched off and on, told to others, taken out."""
        for kind, pool in (("audiences", QUERIES), ("traits", TRAITS)):
            for name, queries in pool.items():
                if self.random.random() < 0.3 or not self.config:
                    self.config[name] = {
                        "section": kind,
                        "query": self.random.choice(queries),
                        "destinations": [d for d in ("one", "two") if self.random.random() < 0.7],
                        "enabled": self.random.random() < 0.7,
                        "there": self.random.random() < 0.85,
                        "anonymous": self.random.random() < 0.3,
                    }
        text = HEAD + "".join(
            f'[{c["section"]}.{name}]\nquery = "{c["query"]}"\ndestinations = {c["destinations"]}\n'
            f"enabled = {str(c['enabled']).lower()}\nanonymous = {str(c['anonymous']).lower()}\n"
            for name, c in self.config.items()
            if c["there"]
        )
        configuration = await apply(self.store, parse(text, destinations()), self.now)
        self.definitions = definitions_of(configuration, destinations())

    async def events_come(self) -> None:
        batch = [self._sighting() for _ in range(self.random.randint(1, 6))]
        if self.sent and self.random.random() < 0.2:
            again = self.random.choice(self.sent)
            if again.event_id not in self.forgotten:
                batch.append(again)  # read from the log once more
        before, self.position = self.position, self.position + 1
        await self.store.profiles.take(0, before, self.position, batch, self.definitions, self.now)
        for each in batch:
            self.naive.see(each, self.now)
        self.sent += batch

    def _sighting(self) -> Sighting:
        random = self.random
        who = random.randrange(5)
        names = [Identifier("user_id", f"u{who}"), Identifier("email", f"p{who}@example.com")]
        names += [Identifier("anonymous_id", f"a{random.choice((who, who, who, random.randrange(5)))}")]
        its = tuple(random.sample(names, random.choice((1, 1, 2, 2, 3))))
        at = self.now - random.choice((0, HOUR, DAY, 2 * DAY, 3 * DAY, 6 * DAY, -HOUR))
        self.events += 1
        if random.random() < 0.2:
            return Sighting(self.events, 1, at, its, traits={"plan": random.choice(("gold", "free", None))})
        properties = msgspec.json.encode({"total": random.randrange(1, 15), "sku": random.choice("xy")})
        return Sighting(self.events, 1, at, its, random.choice("OOC"), properties)

    async def time_goes(self) -> None:
        due = await self.store.profiles.next_lapse(self.definitions)
        later = [self.now + each for each in (1, HOUR, DAY, 3 * DAY)]
        if due is not None and due > self.now:
            later += [due - 1, due, due, due + 1]
        self.now = max(self.now, self.random.choice(later))

    async def work(self) -> None:
        """One portion of something."""
        todo = await self.store.profiles.todo(self.definitions, self.now)
        limit = self.random.choice((1, 2, 3, 100))
        if not todo or self.random.random() < 0.3:
            await self.store.profiles.lapse(self.definitions, self.now, limit)
            return
        await self._portion(*self.random.choice(todo), limit)

    async def _portion(self, definition_id: int, to: int | None, limit: int) -> None:
        if to is None:
            await self.store.profiles.backfill(definition_id, self.definitions, self.now, limit)
        else:
            await self.store.profiles.sync((definition_id, to), self.definitions, self.now, limit)

    async def restart(self) -> None:
        await self.store.close()
        self.store = self._open()

    async def forget(self) -> None:
        if self.random.random() < 0.5:
            email = f"p{self.random.randrange(5)}@example.com"
            names = Identifier("email", email)
            self.forgotten |= {s.event_id for s in self.sent}  # what of theirs was read is not read again
            await self.partner_hears()
            await self.store.forget(email, self.now)
            await self.store.allow(email)
            self.naive.forget(email)
            assert await self.store.profiles.person(names, self.definitions, self.now) is None

    async def partner_hears(self) -> None:
        """All calls that are due go out, and say nothing that was said before."""
        for row in (await self.store.configuration()).destinations:
            claimed = await self.store.turn(row.id, [], 1000, "me", self.now, self.now + DAY)
            for each in sorted(claimed, key=lambda c: c.id):
                call = msgspec.json.decode(each.call or "")
                ((key, value),) = [(k, v) for k, v in call["traits"].items() if k != "email"]
                who = (await self._key_of(each.id)).split("/")[1]
                said = self.heard.setdefault((row.id, key, who), [])
                before = (
                    said[-1]
                    if said
                    else nothing(
                        self.definitions.by_key[key].kind if key in self.definitions.by_key else _kind(key)
                    )
                )
                # One that others went into may be told that it has left what they were told to be in.
                view = await self.store.profiles.person(int(who), self.definitions, self.now)
                merged = view is None or view.merges
                replaced = await self._replaced(each.id, who)  # what it was told in between had not gone out
                assert merged or replaced or not alike(before, value), (
                    f"{self.said}: told {key} {value} twice"
                )
                said.append(value)
            await self.store.turn(
                row.id, [_accepted(c.id, c.attempt, self.now) for c in claimed], 0, "me", self.now, self.now
            )

    async def _replaced(self, id_: int, who: str) -> bool:
        """Whether the call before this one was superseded."""
        rows = await self.store.invitations(what="identify")
        (this,) = [i for i in rows if i.id == id_]
        definition, _, times, number = this.order_id.split("/")
        key = f"{definition}/{who}/{int(times) - 1}/{number}"
        return any(
            i.reason == "superseded" for i in rows if i.order_id == key and i.destination == this.destination
        )

    async def _key_of(self, id_: int) -> str:
        (found,) = [i for i in await self.store.invitations(what="identify") if i.id == id_]
        return found.order_id

    async def check(self) -> None:
        """Bring all to its end; then everybody is worth what the naive one says, and destinations know it."""
        profiles = self.store.profiles
        while (due := await profiles.next_lapse(self.definitions)) is not None and due <= self.now:
            await profiles.lapse(self.definitions, self.now, 7)
        while todo := await profiles.todo(self.definitions, self.now):
            for each in todo:
                await self._portion(*each, 3)
        await self.partner_hears()
        for one in self.naive.people:
            name = next(iter(one["names"]))
            view = await profiles.person(name, self.definitions, self.now)
            assert view is not None, f"{self.said}: nobody is {name}"
            person = view.person
            assert {met.identifier for met in person.identifiers} == set(one["names"]), self.said
            for key, value in self.naive.values(one, self.definitions, self.now).items():
                definition = self.definitions.by_key[key]
                held = person.values.get(definition.id)
                mine = nothing(definition.kind) if held is None else held.value
                assert alike(mine, value), (
                    f"{self.said}: {key} of {sorted(one['names'])} is {mine}, not {value}"
                )
                self._knows(definition, person, value)

    def _knows(self, definition: Any, person: Any, value: Any) -> None:
        named = any(met.identifier.type in ("user_id", "email") for met in person.identifiers)
        if not named and not (definition.options.anonymous and person.identifiers):
            return
        for to in definition.destinations:
            told = person.told.get((definition.id, to))
            knows = nothing(definition.kind) if told is None else told.value
            assert alike(knows, value), f"{self.said}: {definition.key} was told as {knows}, not {value}"


def _kind(key: str) -> Any:
    return "trait" if key in TRAITS else "audience"


def _accepted(id_: int, attempt: int, now: int) -> Settled:
    return Settled(id_, attempt, now, now, Outcome.ACCEPTED, "", "", 200, State.ACCEPTED, now)


def history(seed: int) -> None:
    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            await World(seed, Path(folder)).run()

    asyncio.run(main())


@pytest.mark.parametrize("part", range(4))
def test_any_history(part: int) -> None:
    for seed in range(part, HISTORIES, 4):
        history(seed)
