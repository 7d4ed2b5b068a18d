"""One history of profiles and audiences on a real store, beside a naive one.

Late, early and repeated events, people who become one, people who are forgotten, definitions that change, clocks that
run, portions of everything in any order, and restarts between any two steps. Each step draws its own lots, so that the
others stay what they are when one is left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from random import Random
from typing import Any

import msgspec
import pytest

from engage.test_oracle import alike
from plaudit.config import parse
from plaudit.destinations.base import Outcome, State
from plaudit.destinations.catalog import destinations
from plaudit.engage.definitions import Definition, Definitions, Kind, nothing
from plaudit.engage.identifiers import Identifier
from plaudit.engage.person import Person
from plaudit.engage.sighting import Sighting
from plaudit.errors import LostRaceError
from plaudit.installation import apply
from plaudit.process.profiles import definitions_of
from plaudit.store.base import Settled, Store

from .naive import Naive

START = 1_795_459_200_000
HOUR = 3_600_000
DAY = 24 * HOUR
STEPS = 40
PORTIONS = 40  # are more than anything needs
KEPT = 0.15  # of the steps are followed by a look at everything

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
settings = { channel = "CHANNEL", api_key = "otherKey12", base_url = "http://127.0.0.1:9/y", allow_private = true }
"""


class World:
    """One history. `open_store` opens what there is, and may be asked for several at once: `stores` of them take turns."""

    def __init__(self, open_store: Callable[[], Store], stores: int = 1) -> None:
        self.open_store = open_store
        self.stores = [open_store() for _ in range(stores)]
        self.store = self.stores[0]
        self.random = Random()
        self.now = START
        self.naive = Naive()
        self.definitions = Definitions(0)
        self.position = 0
        self.events = 0
        self.heard: dict[tuple[int, str, str], list[Any]] = {}  # destination, key, profile: values
        self.config: dict[str, dict[str, Any]] = {}

    async def run(self, seed: int, steps: Collection[int]) -> None:
        """These steps of the history, and then a look at everything."""
        ways = self._ways()
        try:
            for number in (-1, *steps):
                self.random = Random(f"{seed} {number}")
                self.store = self.random.choice(self.stores)
                await (self.configure if number < 0 else self.random.choice(ways))()
                if self.random.random() < KEPT:
                    await self.check()
            await self.check()
        finally:
            for store in self.stores:
                await store.close()

    def _ways(self) -> list[Callable[[], Awaitable[None]]]:
        ways: dict[Callable[[], Awaitable[None]], int] = {
            self.events_come: 16,
            self.time_goes: 8,
            self.work: 12,
            self.configure: 6,
            self.restart: 2,
            self.leave: 2,
            self.forget: 1,
            self.partner_hears: 2,
        }
        return [way for way, often in ways.items() for _ in range(often)]

    async def configure(self) -> None:
        """Anything may be added, changed, switched off and on, told to others, taken out."""
        for kind, pool in (("audiences", QUERIES), ("traits", TRAITS)):
            for name, queries in pool.items():
                if name not in self.config or self.random.random() < 0.3:
                    self.config[name] = self._configured(kind, queries)
        channel = self.random.choice(("partner", "partner", "integration_key"))  # which has no call for this
        text = HEAD.replace("CHANNEL", channel) + "".join(
            f'[{c["section"]}.{name}]\nquery = "{c["query"]}"\ndestinations = {c["destinations"]}\n'
            f"enabled = {str(c['enabled']).lower()}\nanonymous = {str(c['anonymous']).lower()}\n"
            f'schedule = "{c["schedule"]}"\n'
            for name, c in self.config.items()
            if c["there"]
        )
        configuration = await apply(self.store, parse(text, destinations()), self.now)
        self.definitions = definitions_of(configuration, destinations())

    def _configured(self, section: str, queries: Sequence[str]) -> dict[str, Any]:
        return {
            "section": section,
            "query": self.random.choice(queries),
            "destinations": [d for d in ("one", "two") if self.random.random() < 0.7],
            "enabled": self.random.random() < 0.7,
            "there": self.random.random() < 0.85,
            "anonymous": self.random.random() < 0.3,
            "schedule": self.random.choice(("realtime",) * 4 + ("3 hours",)),
        }

    async def events_come(self) -> None:
        batch = [self._sighting() for _ in range(self.random.randint(1, 6))]
        before, self.position = self.position, self.position + 1
        given = (0, before, self.position, batch, self.definitions, self.now)
        await self.store.profiles.take(*given)
        if self.random.random() < 0.2:  # and once more, by a process that was slower
            with pytest.raises(LostRaceError):
                await self.store.profiles.take(*given)
        for each in batch:
            self.naive.see(each, self.now)

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
        for store in self.stores:
            await store.close()
        self.stores = [self.open_store() for _ in self.stores]
        self.store = self.stores[0]

    async def leave(self) -> None:
        """Of those that are switched off, each destination of one is told that nobody is in."""
        off = [each for each in self.definitions.by_id.values() if not each.enabled]
        if off:
            await self.store.profiles.leave(self.random.choice(off).id, self.now)

    async def forget(self) -> None:
        email = f"p{self.random.randrange(5)}@example.com"
        await self.partner_hears()
        await self.store.forget(email, self.now)
        await self.store.allow(email)
        self.naive.forget(email)
        assert (
            await self.store.profiles.person(Identifier("email", email), self.definitions, self.now) is None
        )

    async def partner_hears(self) -> None:
        """All calls that are due go out, and say nothing that was said before."""
        for row in (await self.store.configuration()).destinations:
            claimed = await self.store.turn(row.id, [], 1000, "me", self.now, self.now + DAY)
            its = {
                each.id: each for each in await self.store.invitations(what="identify", destination=row.name)
            }
            keys = {each.order_id: each for each in its.values()}
            for each in sorted(claimed, key=lambda c: c.id):
                call = msgspec.json.decode(each.call or "")
                ((key, value),) = [(k, v) for k, v in call["traits"].items() if k != "email"]
                definition, who, times, number = its[each.id].order_id.split("/")
                said = self.heard.setdefault((row.id, key, who), [])
                before = said[-1] if said else nothing(_kind(key))
                said.append(value)
                last = keys.get(f"{definition}/{who}/{int(times) - 1}/{number}")
                if last is not None and last.reason == "superseded":
                    continue  # what it was told in between had not gone out
                # One that others went into may be told that it has left what they were told to be in.
                view = await self.store.profiles.person(int(who), self.definitions, self.now)
                merged = view is None or view.merges
                assert merged or not alike(before, value), f"told {key} {value} twice"
            await self.store.turn(
                row.id, [_accepted(c.id, c.attempt, self.now) for c in claimed], 0, "me", self.now, self.now
            )

    async def check(self) -> None:
        """Bring all to its end; then everybody is worth what the naive one says, and destinations know it."""
        profiles = self.store.profiles
        await profiles.lapse(self.definitions, self.now, 1000)
        left = PORTIONS
        while todo := await profiles.todo(self.definitions, self.now):
            left -= 1
            assert left, f"{todo} never end"
            for each in todo:
                await self._portion(*each, 3)
        await self.partner_hears()
        for one in self.naive.people:
            name = next(iter(one["names"]))
            view = await profiles.person(name, self.definitions, self.now)
            assert view is not None, f"nobody is {name}"
            person = view.person
            assert {met.identifier for met in person.identifiers} == set(one["names"])
            for key, value in self.naive.values(one, self.definitions, self.now).items():
                definition = self.definitions.by_key[key]
                held = person.values.get(definition.id)
                mine = nothing(definition.kind) if held is None else held.value
                assert alike(mine, value), f"{key} of {sorted(one['names'])} is {mine}, not {value}"
                self._known(definition, person, value, merged=bool(view.merges))

    def _known(self, definition: Definition, person: Person, value: Any, *, merged: bool) -> None:
        """Its destinations believe in this value, and if it was always one person, that is what they heard last."""
        named = any(met.identifier.type in ("user_id", "email") for met in person.identifiers)
        if not named and not (definition.options.anonymous and person.identifiers):
            return
        if definition.options.every:
            return  # it may be told later
        for to in definition.destinations:
            if not self.definitions.outlets[to].carries:
                continue
            told = person.told.get((definition.id, to))
            knows = nothing(definition.kind) if told is None else told.value
            assert alike(knows, value), f"{definition.key} was told as {knows}, not {value}"
            heard = self.heard.get((to, definition.key, str(person.id)), [nothing(definition.kind)])
            assert merged or alike(heard[-1], value), f"{definition.key}: {heard} came, not {value}"


def _kind(key: str) -> Kind:
    return "trait" if key in TRAITS else "audience"


def _accepted(id_: int, attempt: int, now: int) -> Settled:
    return Settled(id_, attempt, now, now, Outcome.ACCEPTED, "", "", 200, State.ACCEPTED, now)


async def lived(seed: int, world: Callable[[], World]) -> None:
    """A history from beginning to end. When it goes wrong, the fewest of its steps that do, too."""
    steps: Sequence[int] = range(STEPS)
    if await _fault(seed, world, steps) is None:
        return
    for each in range(STEPS):
        fewer = [step for step in steps if step != each]
        if await _fault(seed, world, fewer) is not None:
            steps = fewer
    error = await _fault(seed, world, steps)
    assert error is not None, f"seed {seed} went wrong, and does no more"
    error.add_note(f"seed {seed}, steps {list(steps)}")
    raise error


async def _fault(seed: int, world: Callable[[], World], steps: Sequence[int]) -> Exception | None:
    try:
        await world().run(seed, steps)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not happen
        return error
    return None
