"""What people look at costs the same when the ledger is large: a page in less than 100 ms."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.rows import order, wanted
from manage.conftest import FixedClock
from plaudit.destinations.catalog import destinations
from plaudit.manage import deciding, events, invitations, stats
from plaudit.manage.context import Context
from plaudit.manage.given import OfId
from plaudit.secrets import vault
from plaudit.sqlite import connect
from plaudit.store.access import COMMAND
from plaudit.store.decisions import Decided
from plaudit.store.sqlite import SqliteStore
from plaudit.store.tallies import DAY_MS, HOUR_MS

MANY = 300_000
MOST_SECONDS = 0.1
SERIES = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("large")


@pytest.fixture
async def large(folder: Path) -> Any:
    """A ledger with a little of everything that is rare, at its far end."""
    fresh = not (folder / "store.db").exists()
    store = SqliteStore(folder / "store.db", vault(folder))
    clock = FixedClock()
    if fresh:
        await store.apply(wanted(), 1)
        fill(folder / "store.db", clock.now())
    yield Context(store, clock, destinations())
    await store.close()


def fill(path: Path, now: int) -> None:
    connection = connect(path)
    payload = msgspec.json.encode(order(1)).decode()
    series = SERIES.format(MANY)
    age = f"{now} - ({MANY} - i) * 2000"
    state = (
        "CASE WHEN i % 1000 = 0 THEN 'failed' WHEN i < 50 THEN 'refused' WHEN i < 100 THEN 'cancelled' "
        "WHEN i < 150 THEN 'held' WHEN i < 200 THEN 'sending' ELSE 'accepted' END"
    )
    with connection:
        connection.execute(
            f"{series} INSERT INTO deliveries (id, destination_id, what, key, source_id, event_id, payload, "
            f"recipient, state, attempts, created_at, due_at, updated_at) SELECT i, 1 + i % 2, 'invitation', 'o' || i, "
            f"1, i * 262144, CAST(? AS BLOB), i, {state}, 1, {age}, {now}, {age} FROM n",
            (payload,),
        )
        connection.execute(
            f"{series} INSERT INTO events (id, source_id, message_id, type, name, received_at, timestamp, order_id, first) "
            f"SELECT i * 262144, 1, 'm' || i, 'track', 'Order Completed', {age}, 1, 'o' || i, 1 FROM n"
        )
        connection.execute(
            f"{series} INSERT INTO dispositions (event_id, destination_id, code, delivery_id) "
            "SELECT i * 262144, 1 + i % 2, CASE WHEN i < 9 THEN 'MESSAGE_REJECTED' ELSE 'invited' END, i FROM n"
        )
        for step, many in ((HOUR_MS, 720), (DAY_MS, 365)):
            for what, codes in (("fate", 12), ("ended", 5), ("took", 80), ("event", 1), ("made", 2)):
                connection.execute(
                    f"{SERIES.format(many)}, c(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM c WHERE j < {codes}) "
                    f"INSERT INTO tallies SELECT {step}, {now} / {step} * {step} - i * {step}, 1, '{what}', j, 7 FROM n, c"
                )
    connection.close()


LOOKS: list[tuple[Any, Any]] = [
    *((stats.overview, stats.Overviewed(span=span)) for span in stats.Span),
    (stats.overview, stats.Overviewed(destination="second")),
    *(
        (invitations.search, msgspec.convert(each, invitations.SearchInvitations))
        for each in (
            *({}, {"cursor": str(MANY // 2)}, {"order_id": "o7"}, {"email": "a@example.com"}),
            *(
                {"state": s}
                for s in ("failed", "refused", "cancelled", "held", "sending", "queued", "accepted")
            ),
            *({"since": "5 days", "until": "4 days"}, {"destination": "second", "state": "refused"}),
        )
    ),
    (invitations.story, OfId(id=7)),
    *(
        (events.find, msgspec.convert(each, events.FindEvents))
        for each in (
            {},
            {"order_id": "o7"},
            {"disposition": "MESSAGE_REJECTED"},
            {"disposition": "duplicate_order"},
        )
    ),
    (deciding.decide, deciding.Decide(action=Decided.RETRY, all=True, dry_run=True)),
]


@pytest.mark.parametrize(("look", "given"), LOOKS, ids=lambda each: str(getattr(each, "__name__", each))[:90])
async def test_it_is_quick(large: Context, look: Any, given: Any) -> None:
    best = MOST_SECONDS * 10
    for _ in range(5):  # the best of a few: another process may have the processor
        started = time.perf_counter()
        await look(large, COMMAND, given)
        best = min(best, time.perf_counter() - started)
    assert best < MOST_SECONDS, f"{best * 1000:.0f} ms"
