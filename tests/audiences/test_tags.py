"""Tags of an invitation that come from what profiles know of its customer, and not from its order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.errors import ConfigError
from plaudit.process.customers import Customers
from plaudit.process.plan import routes
from plaudit.process.replay import Everywhere, Range
from support import http, until

from .conftest import RECENT, Shop

TAGGED = """
[destinations.tagged]
type = "trustpilot"
sources = ["shop"]
[destinations.tagged.settings]
channel = "invitations_api"
allow_private = true
client_id = "shop-client"
client_secret = "shop-secret"
business_unit_id = "507f191e810c19729de860ea"
business_user_id = "5f0c3ad1f3a2b10001a2b3c4"
base_url = "{url}"
tags = ["web", "audience:recent", "audience:patrons", "trait:spent", "trait:plan"]
"""
DEFINITIONS = (
    RECENT
    + """
[audiences.patrons]
query = "trait('spent') >= 15"
[traits.spent]
query = "event('Order Completed').sum(property('total'))"
"""
)


async def tags(shop: Shop, order_id: str) -> list[str]:
    """Those that the invitation of this order had."""

    async def found() -> list[dict[str, Any]]:
        url = f"{shop.vendor.url}/sandbox/invitations?order={order_id}"
        invitations = (await asyncio.to_thread(http, url)).body
        return [each for each in invitations if each["channel"] == "invitations_api"]

    await until(found)
    await shop.settled()
    ((one,),) = [await found()]
    return list(one["tags"])


@pytest.fixture
async def tagged(shop: Shop) -> Shop:
    await shop.apply(TAGGED.format(url=shop.vendor.url) + DEFINITIONS)
    await shop.settled()
    return shop


async def test_members_and_no_others_get_the_audiences_tag(tagged: Shop) -> None:
    await tagged.order("1", "ann@example.com", "ann")
    assert await tags(tagged, "1") == ["web"]  # her own first order has made her no member yet
    await tagged.order("2", "ann@example.com", "ann")
    assert await tags(tagged, "2") == ["web", "recent", "spent-10"]
    await tagged.order("3", "ann@example.com", "ann")
    assert await tags(tagged, "3") == ["web", "recent", "patrons", "spent-20"]
    await tagged.order("4", "ben@example.com", "ben")
    assert await tags(tagged, "4") == ["web"]


async def test_the_customer_is_known_by_any_of_their_names(tagged: Shop) -> None:
    await tagged.send("identify", userId="ann", traits={"email": "ann@example.com", "plan": "gold"})
    await tagged.settled()
    properties = {"order_id": "1", "email": "Ann@Example.com", "name": "Ann"}
    await tagged.send("track", event="Order Completed", anonymousId="guest", properties=properties)
    assert await tags(tagged, "1") == ["web", "spent-0", "plan-gold"]


async def test_what_the_event_says_of_a_trait_counts_before_the_profile(tagged: Shop) -> None:
    await tagged.send("identify", userId="ann", traits={"email": "ann@example.com", "plan": "gold"})
    await tagged.settled()
    said = {"plan": "silver", "audience:recent": True, "recent": True}  # and no event makes itself a member
    await tagged.order("1", "ann@example.com", "ann", context={"traits": said})
    assert await tags(tagged, "1") == ["web", "spent-0", "plan-silver"]


async def test_who_is_kept_out_of_profiles_is_not_looked_up(tagged: Shop) -> None:
    await tagged.order("1", "ann@example.com", "ann")
    await tags(tagged, "1")
    await tagged.order("2", "ann@example.com", "ann", integrations={"Personas": False})
    assert await tags(tagged, "2") == ["web"]


async def test_an_audience_that_is_gone_or_off_gives_no_tag(tagged: Shop) -> None:
    await tagged.order("1", "ann@example.com", "ann")
    await tags(tagged, "1")
    off = DEFINITIONS.replace("[audiences.recent]", "[audiences.recent]\nenabled = false")
    await tagged.apply(TAGGED.format(url=tagged.vendor.url) + off)
    there = await tagged.plaudit.store.config_version()
    await until(lambda: asyncio.sleep(0, tagged.plaudit._version == there))
    await tagged.order("2", "ann@example.com", "ann")
    assert await tags(tagged, "2") == ["web", "spent-10"]


async def test_a_replay_tags_by_what_is_known_now(shop: Shop) -> None:
    for number in ("1", "2"):
        await shop.order(number, "ann@example.com", "ann")
    await shop.apply(TAGGED.format(url=shop.vendor.url) + DEFINITIONS)
    await shop.settled()
    store, kinds = shop.plaudit.store, destinations()
    configuration = await store.configuration()
    customers = Customers(store.profiles, configuration, kinds)
    events = Everywhere(shop.plaudit._log, store, routes(configuration, kinds), Range(), customers)
    await events.reach()
    tally = await events.run(shop.clock.now(), dry=False, told=lambda *_: None)
    assert tally.dispositions["invited"] == 2
    assert await tags(shop, "1") == ["web", "recent", "patrons", "spent-20"]


def test_a_tag_of_an_audience_that_is_not_there_is_refused() -> None:
    text = "[sources.shop]\n" + TAGGED.format(url="http://127.0.0.1:9")
    definitions = DEFINITIONS.replace('"trustpilot"', '"tagged"')
    other = definitions.replace("[audiences.recent]", "[audiences.recents]")
    with pytest.raises(ConfigError) as refused:
        parse(text + other, destinations())
    assert "no audience is called 'recent'; did you mean 'recents'? there is patrons, recents" in str(
        refused.value
    )
    with pytest.raises(ConfigError, match=r"there is none: add \[audiences.NAME\]"):
        parse(text, destinations())
    by_key = text.replace("audience:recent", "audience:order_completed_last_30days")
    assert parse(by_key + definitions, destinations()).audiences
    faulty = definitions.replace("within(30 days)", "wthin(30 days)")
    with pytest.raises(ConfigError, match="wthin") as once:
        parse(text + faulty, destinations())
    assert "no audience is called" not in str(once.value)
