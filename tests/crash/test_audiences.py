"""kill -9 while an audience is evaluated for everybody, told to a partner for the first time, and then of changes.

Everyone is told of once, whatever the kills meet, and then only changes are. `PLAUDIT_SEED` chooses the kills.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from plaudit.deliver.concurrency import MOST
from plaudit.deliver.lane import PAGES
from plaudit.sqlite import connect
from support import WRITE_KEY, http, until

from .rig import Rig

PEOPLE = 8_000
BATCH = 200
CHANGES = 300
IN_FLIGHT = max(MOST, PAGES * 20)
KEY = "liked_it"
AUDIENCE = """
[audiences.liked]
name = "liked it"
query = "event('Viewed').where(property('sku') = 'x').count() = 1"
destinations = ["trustpilot"]
"""


class Story:
    """One installation, and its file, which is looked at while the server writes it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.chance = Random(os.environ.get("PLAUDIT_SEED", "1"))
        self.met: Counter[str] = Counter()  # what the kills came upon

    def ask(self, query: str) -> Any:
        connection = connect(self.rig.data / "store.db")
        try:
            return connection.execute(query).get
        finally:
            connection.close()

    async def views(self, people: range, sku: str) -> None:
        for at in range(people.start, people.stop, BATCH):
            events = [
                {"type": "track", "event": "Viewed", "userId": f"p{n}", "properties": {"sku": sku}}
                for n in range(at, min(at + BATCH, people.stop))
            ]
            url = f"http://127.0.0.1:{self.rig.port}/v1/batch"
            assert (await asyncio.to_thread(http, url, {"batch": events}, key=WRITE_KEY)).status == 200

    async def killed(self, what: str, count: Callable[[], int], after: int, all_: int = PEOPLE) -> None:
        """Kill the server as soon as it has come further than `after`, and start it again."""
        await until(lambda: count() > after, 60)
        self.rig.kill()
        self.met[what] += count() < all_
        self.rig.spawn()

    def evaluated(self) -> int:
        """How many have been evaluated; one more than all when that is over."""
        return int(self.ask("SELECT backfill + (backfilled_at IS NOT NULL) FROM definitions") or 0)

    def told(self) -> int:
        return int(self.ask("SELECT count(*) FROM told"))

    def accepted(self) -> int:
        return int(self.ask("SELECT count(*) FROM deliveries WHERE state = 'accepted'"))

    async def calm(self) -> None:
        """Until nothing is to be read, evaluated, told or sent."""
        undone = (
            "SELECT (SELECT count(*) FROM definitions WHERE backfilled_at IS NULL)"
            " + (SELECT count(*) FROM syncs WHERE phase = 'first')"
            " + (SELECT max(position) - min(position) FROM cursors)"
        )
        await until(lambda: self.ask(undone) == 0, 60)
        await self.rig.settled()

    async def calls(self) -> tuple[list[dict[str, Any]], set[str]]:
        """All that the partner was told, the first first, and whom a kill may have kept it from hearing of."""
        rows = await self.rig.ledger("--calls")
        assert len({row["order_id"] for row in rows}) == len(rows)
        assert {row["state"] for row in rows} <= {"accepted", "uncertain"}
        calls = await self.rig.calls()
        assert all(call["accepted"] == call["posts"] == 1 for call in calls), "one call was taken for two"
        uncertain = [row["id"] for row in rows if row["state"] == "uncertain"]
        assert len(rows) - len(uncertain) <= len(calls) <= len(rows)
        return calls, {
            self.ask(f"SELECT call ->> 'userId' FROM deliveries WHERE id = {id_}") for id_ in uncertain
        }


@pytest.mark.parametrize("policy", ["resend", "hold"])
async def test_everyone_is_told_of_once_and_then_only_of_changes(
    policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `resend`, which is the channel's own way, nobody is missed: a call that is sent again is the same one."""
    began = time.monotonic()
    settings = f'channel = "partner"\nuncertain = "{policy}"'
    async with Rig(tmp_path, settings=settings, path="/partner") as rig:
        story = Story(rig)
        first = await _first(story)
        calls, uncertain = await _changes(story, first)
        repeated = await rig.repeated()
    with capsys.disabled():
        print(
            f"\nkilled, audience, {policy}: {rig.kills} kills, at work with {dict(story.met)}; {len(calls):,} calls, "
            f"{len(uncertain)} uncertain, {repeated} sent again; {time.monotonic() - began:.1f} s"
        )
    if policy == "resend":
        assert not uncertain
        assert repeated <= IN_FLIGHT * rig.kills
    else:
        assert not repeated
        assert len(uncertain) <= IN_FLIGHT * rig.kills
    assert all(story.met[what] for what in ("evaluating", "telling", "sending"))


async def _first(story: Story) -> int:
    """Everybody is told of, through two kills at each of the things to do; how many calls there were."""
    rig = story.rig
    await story.views(range(PEOPLE), "x")
    await story.views(range(PEOPLE, PEOPLE + BATCH), "y")
    await story.calm()
    assert await rig.stop() == 0
    rig.configure(AUDIENCE)
    rig.spawn()
    for what, count in (
        ("evaluating", story.evaluated),
        ("telling", story.told),
        ("sending", story.accepted),
    ):
        for share in sorted(story.chance.uniform(0.05, 0.6) for _ in range(2)):
            await story.killed(what, count, round(PEOPLE * share))
    await story.calm()
    calls, uncertain = await story.calls()
    assert all(call["traits"][KEY] is True for call in calls)
    names = Counter(call["user_id"] for call in calls)
    everyone = {f"p{n}" for n in range(PEOPLE)}
    assert not everyone - names.keys() - uncertain, "nobody was told of somebody"
    assert names.keys() <= everyone
    assert set(names.values()) == {1}, "told of somebody twice"
    return len(calls)


async def _changes(story: Story, first: int) -> tuple[list[dict[str, Any]], set[str]]:
    """Who liked it again is out, others are in, most things change nothing; one kill."""
    await story.views(range(CHANGES), "x")
    await story.views(range(CHANGES, 2 * CHANGES), "y")
    await story.views(range(PEOPLE, PEOPLE + CHANGES), "x")
    await story.killed("changes", story.told, PEOPLE, PEOPLE + CHANGES)
    await story.calm()
    calls, uncertain = await story.calls()
    changes = {call["user_id"]: call["traits"][KEY] for call in calls[first:]}
    assert len(changes) == len(calls) - first, "told of one change twice"
    wanted = {f"p{n}": False for n in range(CHANGES)}
    wanted |= {f"p{n}": True for n in range(PEOPLE, PEOPLE + CHANGES)}
    assert changes.items() <= wanted.items()
    assert not wanted.keys() - changes.keys() - uncertain
    return calls, uncertain
