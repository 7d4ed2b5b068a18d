"""From bytes to rows without a server: no event that collect takes can stop the step that processes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plaudit.destinations.catalog import destinations
from plaudit.errors import RefusedError
from plaudit.process.plan import Routes, plan
from plaudit.spec import dispositions, wire
from plaudit.spec.envelope import Entry, event_id, place
from plaudit.store.base import EventRow

from . import bounded
from .events import almost_right
from .junk import render, values

SETTINGS = {"hold": "2 days", "order_states": ["paid", ""], "tags": ["trait:plan"], "once_per": "1 day"}
TABLE: Routes = {
    1: [
        (1, destinations()["trustpilot"], {}),
        (2, destinations()["trustpilot"], SETTINGS),
        (3, destinations()["trustpilot"], {"channel": "partner"}),
    ]
}
NOW = 1_800_000_000_000
items = almost_right() | values | st.dictionaries(st.sampled_from(["type", "event", "userId"]), values)


def rows(body: bytes) -> list[EventRow]:
    """What becomes of a batch's bytes on their way to the store; empty when they are refused as a whole."""
    try:
        batch = wire.decode_batch(body)
    except RefusedError:
        return []
    entry = Entry(
        1, NOW, wire.items(batch, NOW, lambda: "new"), bytes(batch.context), bytes(batch.integrations)
    )
    return list(plan(0, 1, entry, TABLE))


@given(
    st.lists(items, max_size=4).map(lambda found: {"batch": found}),
    st.dictionaries(st.sampled_from(["context", "integrations", "sentAt", "writeKey"]), values),
)
@bounded(600)
def test_any_batch_becomes_rows(batch: dict[str, object], outer: dict[str, object]) -> None:
    for row in rows(render({**batch, **outer})):
        codes = [row.disposition] if row.disposition else [route.code for route in row.routes]
        assert codes and all(code in dispositions.SENTENCES for code in codes)
        assert (row.disposition is None) == bool(row.routes)
        assert row.message_id.encode()
        assert 0 <= row.timestamp < 2**63
        for text in (row.name, row.order_id, row.detail):
            assert text is None or text.encode() is not None
        assert row.order_id is None or 1 <= len(row.order_id) <= 255


@given(st.integers(0, 63), st.integers(1, 2**40), st.integers(0, 4095))
@bounded(200)
def test_an_events_id_says_where_it_stands(partition: int, position: int, index: int) -> None:
    assert place(event_id(partition, position, index)) == (partition, position, index)
    assert event_id(partition, position, index) < event_id(partition, position + 1, 0) < 2**63
