"""Keys of audiences."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaudit.engage.keys import LONGEST, RESERVED, audience_key
from plaudit.engage.paths import path, steps
from properties import bounded


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("order completed last 30days", "order_completed_last_30days"),
        ("Order Completed, last 30 days!", "order_completed_last_30_days"),
        ("Amazon Ads Audience (6 May 24)", "amazon_ads_audience_6_may_24"),
        ("Women's  shoes", "womens_shoes"),
        ("Käufer über 100 €", "kaufer_uber_100_eur"),
        ("Заказ завершён", "zakaz_zavershen"),
        ("東京", "dong_jing"),
        ("___", "audience"),
        ("", "audience"),
        ("Email", "email_2"),
        ("x" * 300, "x" * LONGEST),
    ],
)
def test_examples(name: str, key: str) -> None:
    assert audience_key(name) == key


def test_taken_keys_are_numbered() -> None:
    assert audience_key("Big spenders", {"big_spenders"}) == "big_spenders_2"
    assert audience_key("Big spenders", {"big_spenders", "big_spenders_2"}) == "big_spenders_3"
    assert audience_key("x" * 300, {"x" * LONGEST}) == "x" * (LONGEST - 2) + "_2"


@given(st.text(max_size=150), st.sets(st.sampled_from(["audience", "audience_2", "a", "a_2"])))
@bounded(300)
def test_any_name_makes_a_key(name: str, taken: set[str]) -> None:
    key = audience_key(name, taken)
    assert re.fullmatch("[a-z0-9]+(_[a-z0-9]+)*", key)
    assert len(key) <= LONGEST
    assert key not in taken | RESERVED


@given(st.lists(st.text("ab.$\\", min_size=1, max_size=5), min_size=1, max_size=4))
@bounded(300)
def test_a_path_of_any_keys_leads_there(keys: list[str]) -> None:
    assert steps(path(*keys)) == tuple(keys)
