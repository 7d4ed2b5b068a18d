"""What says of whom something is does not get through, however it is written."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaudit.engage.explain import Reason
from plaudit.manage.masking import (
    UNKNOWN,
    mask,
    mask_email,
    masked_json,
    masked_reason,
    masked_text,
    masked_value,
)

ADDRESS = "ada.lovelace@example.com"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"email": ADDRESS, "plan": "gold"}, {"email": "a…@example.com", "plan": "gold"}),
        ({"surname": "Lovelace", "First-Name": "Ada"}, {"surname": "L…", "First-Name": "A…"}),
        ({"phone": 441234567, "mobile": ["+44 1234"]}, {"phone": "…", "mobile": ["+…"]}),
        (
            {"address": {"line1": "12 Park St", "postal_code": 1234, "country": "GB"}},
            {"address": {"line1": "1…", "postal_code": "…", "country": "GB"}},
        ),
        (
            {"context": {"page": {"search": "?email=ada%40example.com&x=1"}}},
            {"context": {"page": {"search": "?email=a…@example.com&x=1"}}},
        ),
        ({ADDRESS: 1}, {"a…@example.com": 1}),
        ([f"of {ADDRESS} and b@example.org, both"], ["of a…@example.com and b…@example.org, both"]),
        ("ada@localhost or so", "a…"),
        ("@ada", "@…"),
        (
            {"products": [{"name": "Teapot", "sku": "T1", "phone": "123", "note": ADDRESS}]},
            {"products": [{"name": "Teapot", "sku": "T1", "phone": "1…", "note": "a…@example.com"}]},
        ),
        ({"email": "ada at example"}, {"email": "a…"}),
        ({"name": None, "ip": True, "total": 12.5}, {"name": None, "ip": True, "total": 12.5}),
    ],
)
def test_what_an_event_says_of_whom_it_is(said: Any, shown: Any) -> None:
    assert masked_json(said) == shown


def test_a_deep_event_is_cut_and_breaks_nothing() -> None:
    deep: Any = "end"
    for _ in range(900):
        deep = {"traits": deep}
    said = msgspec.json.encode(masked_json(deep)).decode()
    assert UNKNOWN in said and "end" not in said
    assert UNKNOWN in msgspec.json.encode(masked_json({"name": deep})).decode()


@given(
    st.recursive(
        st.text() | st.just(ADDRESS) | st.integers() | st.none(),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just(ADDRESS), inner, max_size=4)
        ),
    )
)
def test_no_address_gets_through(said: Any) -> None:
    assert b"lovelace" not in msgspec.json.encode(masked_json(said))


def test_a_computed_value_is_masked_by_what_its_query_reads() -> None:
    assert masked_value("Lovelace", "trait('last_name')") == "L…"
    assert masked_value("12 Park St", "event('x').last(property('shipping.address.line1'))") == "1…"
    assert masked_value(ADDRESS, "trait('login')") == "a…@example.com"
    assert (masked_value("gold", "trait('plan')"), masked_value(12.5, "trait('spent')")) == ("gold", 12.5)
    assert masked_value(True, "trait('email') = 'x'") is True
    inner = Reason("trait('phone') = '1'", False, value="441234")
    whole = Reason("", False, joined="AND", parts=[inner, Reason("trait('plan') = 'a'", True, value="a")])
    assert [part.value for part in masked_reason(whole).parts] == ["4…", "a"]


def test_single_words() -> None:
    assert (mask(""), mask("Zoë"), mask_email("zoe@example.com"), mask_email("zoe")) == (
        *("", "Z…", "z…@example.com", "z…"),
    )
    assert masked_text("no address here") == "no address here"
