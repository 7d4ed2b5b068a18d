"""Any body at all gets an answer that an SDK can live with, and leaves the server well."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from . import bounded
from .events import PLACES, almost_right, changed
from .junk import NO_JSON, STRANGE, TIMES, Token, nested, render, texts, values
from .served import GOOD, Served, fresh_order, judge
from .wire import Connection, exchange, whole

BATCHES = ["/v1/batch", "/v1/import", "/v1/b"]
SINGLES = ["/v1/track", "/v1/t", "/v1/identify", "/v1/page", "/v1/screen", "/v1/group", "/v1/alias"]
DEPTHS = range(900, 1010)

batch_items = almost_right() | values | st.dictionaries(texts, values, max_size=3)
outer_parts = dict.fromkeys(("writeKey", "sentAt", "context", "integrations"), values)
contents = st.one_of(
    st.binary(max_size=300).map(Token),
    values,
    almost_right(),
    st.fixed_dictionaries({"batch": st.lists(batch_items, max_size=4) | values}),
    st.fixed_dictionaries({"batch": st.lists(batch_items, max_size=2)}, optional=outer_parts),
)


def good_order(order: str) -> dict[str, Any]:
    properties = {"order_id": order, "email": "ada@example.com"}
    return {"type": "track", "event": "Order Completed", "userId": "u", "properties": properties}


def surely_json(body: bytes) -> bool:
    """Whether nobody could doubt it: valid by another parser, not very deep, and without half a character."""

    def no(_: str) -> float:
        raise ValueError

    try:
        content = json.loads(body.decode(), parse_constant=no, parse_int=len)
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return b"[" * 500 not in body and b'{"a":' * 500 not in body


@given(path=st.sampled_from([*SINGLES, *BATCHES]), content=contents)
@example(path="/v1/track", content=Token(b"[" * 30_000))
@example(path="/v1/batch", content=Token(b'{"batch":' + b"[" * 30_000))
@bounded(300)
def test_any_body(served: Served, path: str, content: object) -> None:
    judge(exchange(served.port, whole("POST", path, GOOD, render(content))))
    served.processed()


@given(path=st.sampled_from([*SINGLES, *BATCHES]), event=almost_right())
@bounded(400)
def test_an_event_right_but_for_one_thing(served: Served, path: str, event: object) -> None:
    body = render(event if path in SINGLES else {"batch": [event]})
    judge(exchange(served.port, whole("POST", path, GOOD, body)))
    served.processed()


@given(items=st.lists(batch_items, max_size=5), place=st.integers(0, 5))
@bounded(200)
def test_a_bad_event_keeps_no_good_one_out(served: Served, items: list[object], place: int) -> None:
    """A good order among bad events is invited whenever its batch is JSON, and refused aloud when it is not."""
    order = fresh_order()
    body = render({"batch": [*items[:place], good_order(order), *items[place:]]})
    answer = judge(exchange(served.port, whole("POST", "/v1/batch", GOOD, body)))
    served.processed()
    assert answer.status == 200 or not surely_json(body) or len(body) > 500 * 1024, answer
    assert served.state(order) == ("accepted" if answer.status == 200 else None)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_every_strange_value_in_every_place(served: Served, place: tuple[Any, ...]) -> None:
    """Alone, and in a batch with a good order behind it."""
    with Connection(served.port) as connection:
        for value in [*STRANGE, *TIMES]:
            event, order = changed(place, value), fresh_order()
            judge(connection.exchange(whole("POST", "/v1/track", GOOD, render(event))))
            body = render({"batch": [event, good_order(order)]})
            answer = judge(connection.exchange(whole("POST", "/v1/batch", GOOD, body)))
            assert answer.status == 200 or not surely_json(body), (answer, value)
    served.processed()


def test_half_a_character_costs_no_invitation(served: Served) -> None:
    r"""JavaScript cuts strings in the middle of an emoji, and `JSON.stringify` then writes "\ud83d" (no pair)."""
    orders = fresh_order(), fresh_order(), fresh_order()
    alone, beside, among = (good_order(order) for order in orders)
    alone["properties"]["products"] = [{"name": Token(rb'"Candle \ud83d"'), "sku": "1"}]
    among["context"] = {"page": {"title": Token(rb'"Thanks \ud83d"')}}
    single = exchange(served.port, whole("POST", "/v1/track", GOOD, render(alone)))
    batch = exchange(served.port, whole("POST", "/v1/batch", GOOD, render({"batch": [beside, among]})))
    served.processed()
    assert (judge(single).status, judge(batch).status) == (200, 200), (single, batch)
    assert [served.state(order) for order in orders] == ["accepted"] * 3


@pytest.mark.parametrize("odd", [{}, {"timestamp": []}, {"userId": []}], ids=["", "odd time", "odd id"])
@pytest.mark.parametrize("place", ["context", "properties", "other"])
def test_just_under_the_deepest(served: Served, odd: dict[str, Any], place: str) -> None:
    """What collect can just read, processing must be able to explain: their stacks are not equally deep."""
    with Connection(served.port) as connection:
        for depth in DEPTHS:
            event = {**good_order(fresh_order()), **odd, place: {"a": nested(depth)}}
            for path, content in (("track", event), ("batch", {"batch": [event]})):
                judge(connection.exchange(whole("POST", f"/v1/{path}", GOOD, render(content))))
    served.processed()


def test_limits_of_a_batch(served: Served) -> None:
    def send(content: object) -> int:
        body = render(content)
        return judge(exchange(served.port, whole("POST", "/v1/batch", GOOD, body))).status

    order = fresh_order()
    page = {"type": "page", "userId": "u"}
    assert send({"batch": []}) == 400
    assert send({"batch": [page] * 2499 + [good_order(order)]}) == 200
    assert send({"batch": [page] * 2501}) == 413
    assert send({"batch": [good_order(order), 1, None, "x", [], [good_order(order)], True]}) == 200
    assert send({"batch": [1, None, "x", [], True]}) == 400
    assert send({"batch": [{**page, "messageId": 7, "userId": 8, "anonymousId": 9}]}) == 200
    assert send({"batch": [page], "padding": "x" * 500 * 1024}) == 413
    served.processed()
    assert served.state(order) == "accepted"


def test_what_is_no_json_is_refused(served: Served) -> None:
    for text in NO_JSON:
        for path, body in (
            ("track", render(changed(("userId",), Token(text)))),
            ("batch", text),
            ("track", text),
        ):
            answer = judge(exchange(served.port, whole("POST", f"/v1/{path}", GOOD, body)))
            assert (answer.status, answer.json()["code"]) == (400, "bad_request"), (path, body, answer)
