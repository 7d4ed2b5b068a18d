"""What is kept of an attempt: no secret and nothing of a customer, until their row fills the blanks."""

from __future__ import annotations

import json
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaudit.destinations.base import Answer, Delivery, Mail, Request, What
from plaudit.destinations.exchange import SENT_CHARACTERS, Exchange, Taken, kept, read
from plaudit.spec.order import Order

ANN = Order("1", "ann.o'neil@example.com", 'Ann "Ace" O\'Neil', traits={"tier": "platinum", "vip": True})
BOB = Order("2", "bob@example.com", "Bob")
SECRET = "theIntegrationKey"


def post(body: str, headers: dict[str, str] | None = None, query: str = "") -> Request:
    url = f"https://vendor.example/api/{SECRET}/invitation{query}"
    return Request(
        method="POST", url=url, shown=url.replace(SECRET, "the…"), headers=headers or {}, body=body.encode()
    )


def exchanged(
    order: Order | None, wish: Request | Mail, came: Answer | str, call: str = ""
) -> tuple[bytes, Exchange, Exchange]:
    """What is kept, and how it reads in the clear and when the row is forgotten."""
    delivery = Delivery(7, What.INVITATION, order, call.encode())
    content = kept([delivery], [Taken(wish, came, 12)], [SECRET])
    gone = None if order is None else Order(order.order_id, "")
    (clear,) = read(content, 7, order, call or None)
    (forgotten,) = read(content, 7, gone, None)
    return content, clear, forgotten


@pytest.mark.parametrize(
    "written",
    [msgspec.json.encode(ANN).decode(), json.dumps(msgspec.to_builtins(ANN)), f"{ANN.email} {ANN.name}"],
)
def test_a_customer_is_in_the_row_alone(written: str) -> None:
    content, clear, forgotten = exchanged(ANN, post(written), Answer(201, {}, written.encode()))
    for part in ("ann", "O'Neil", "Neil", "Ace", "platinum"):
        assert part not in content.decode() and part not in str(forgotten), part
    assert clear.sent.body == written
    assert clear.came is not None and (clear.came.status, clear.came.body) == (201, written)
    assert "\ue000" not in str(forgotten) and "…" in forgotten.sent.body


@given(name=st.text(min_size=2, max_size=30), total=st.floats(0, 1e6))
def test_whatever_the_name_it_comes_back_as_it_was(name: str, total: float) -> None:
    order = Order("1", "ann@example.com", name, total)
    body = msgspec.json.encode(order).decode()
    _, clear, _ = exchanged(order, post(body), "no answer within 30 s")
    clean = body if not {"\ue000", "\ue001"} & set(name) else clear.sent.body
    assert clear.sent.body == clean and clear.lost == "no answer within 30 s" and clear.took == 12


def test_neither_keys_nor_tokens_are_kept() -> None:
    headers = {
        "authorization": "Bearer abc.def",
        "x-api-key": "k",
        "cookie": "a=b",
        "x-shop": SECRET,
        "accept": "*/*",
    }
    content, clear, _ = exchanged(
        BOB, post(f'{{"key":"{SECRET}"}}', headers), Answer(401, {}, SECRET.encode())
    )
    assert SECRET.encode() not in content and b"abc.def" not in content
    assert clear.sent.headers == {
        "authorization": "Bearer •••",
        "x-api-key": "•••",
        "cookie": "•••",
        "x-shop": "•••",
        "accept": "*/*",
    }
    assert clear.sent.url == "https://vendor.example/api/the…/invitation"


def test_an_address_in_the_url_is_a_blank_too_and_another_address_is_hidden() -> None:
    wish = post("reply to shop@example.com", query=f"?to={quote(ANN.email)}")
    content, clear, _ = exchanged(ANN, wish, Answer(200))
    assert b"neil" not in content and b"shop@" not in content
    assert clear.sent.body == "reply to •••"
    assert clear.sent.url.endswith(f"?to={quote(ANN.email, safe='')}")


def test_an_event_that_is_passed_on_is_not_kept_twice() -> None:
    call = json.dumps({"event": "Order Completed", "context": {"traits": {"phone": "+45 1234"}}})
    content, clear, forgotten = exchanged(BOB, post(call), Answer(200), call)
    assert b"1234" not in content and clear.sent.body == call and forgotten.sent.body == "…"
    content, clear, _ = exchanged(BOB, post(call.replace(" ", "")), Answer(200), call)
    assert b"1234" not in content and clear.sent.body == "•••"  # written in another way, so not at all


def test_of_a_page_each_customer_is_seen_in_their_own_row_alone() -> None:
    twin = Order("3", "ann@example.com", "Bob")
    orders = [ANN, BOB, twin]
    of = [Delivery(number, order=order) for number, order in enumerate(orders, 1)]
    body = json.dumps([[order.email, order.name] for order in orders])
    content = kept(of, [Taken(post(body), Answer(201), 3)], [])
    found = [
        json.loads(read(content, number, order, None)[0].sent.body) for number, order in enumerate(orders, 1)
    ]
    assert found[0] == [[ANN.email, ANN.name], ["…", "…"], ["…", "…"]]
    assert found[1] == [["…", "…"], [BOB.email, "Bob"], ["…", "Bob"]]
    assert found[2] == [["…", "…"], ["…", "Bob"], [twin.email, "Bob"]]
    assert json.loads(read(content, 99, ANN, None)[0].sent.body) == [["…", "…"]] * 3


def test_a_mail_is_kept_without_its_address() -> None:
    mail = Mail(
        recipient="shop+1@invite.example", sender="me@example.com", subject="Review invitation", html="<p>Bob"
    )
    content, clear, _ = exchanged(BOB, mail, Answer(250, {"stage": "sent"}, b"OK"))
    assert b"invite.example" not in content
    assert (clear.sent.method, clear.sent.url, clear.sent.body) == ("MAIL", "•••", "<p>Bob")


def test_what_is_long_is_cut_but_never_through_a_blank() -> None:
    for ahead in range(SENT_CHARACTERS - 12, SENT_CHARACTERS + 1):
        _, clear, _ = exchanged(BOB, post("x" * ahead + BOB.email + "y" * 50), Answer(200))
        rest = clear.sent.body.lstrip("x")
        assert rest.removeprefix(BOB.email).lstrip("y")[:1] == "…" and rest.endswith("more characters)"), (
            ahead
        )


def test_words_in_private_characters_are_no_blanks() -> None:
    _, clear, _ = exchanged(BOB, post("\ue0000e|0\ue001 \ue000|\ue001"), Answer(200))
    assert clear.sent.body == "\ufffd0e|0\ufffd \ufffd|\ufffd"


def test_a_short_name_is_a_word_of_its_own() -> None:
    order = Order("1", "al@example.com", "Al")
    content, clear, _ = exchanged(order, post('{"name":"Al","text":"Also"}'), Answer(200))
    assert b"Also" in content and b'"Al"' not in content and clear.sent.body == '{"name":"Al","text":"Also"}'
