"""From nothing to the first invitation, and a failure mended, as a shop's person does it: in the browser alone."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import msgspec
from playwright.async_api import expect

from plaudit.destinations.base import State
from plaudit.sandbox.faults import parse
from support import http, track, until

from .conftest import PASSWORD, Console
from .shop import ended


async def sent(console: Console, key: str, order_id: str, who: str = "u1", **properties: Any) -> None:
    email = "ada@example.com" if who == "u1" else f"{who}@example.com"
    event = track({"order_id": order_id, "email": email, "name": "Ada", **properties}, userId=who)
    reply = await asyncio.to_thread(http, f"{console.url}/v1/track", event, key=key)
    assert reply.status == 200


async def test_the_whole_story(bare: Console) -> None:
    """From a server that nobody has set up to a partner that hears of an audience, with a key that went bad between."""
    await set_up(bare)
    key = await to_the_first_invitation(bare)
    await a_bad_key_is_mended(bare, key)
    partner = await a_partner(bare)
    await an_audience_is_told(bare, key, partner)


async def set_up(bare: Console) -> None:
    link = await bare.plaudit.set_up_link()
    assert link is not None
    page = bare.page
    await page.goto(link)
    await bare.sound("story-set-up")
    await page.fill("[name=name]", "amy")
    await page.fill("[name=password]", PASSWORD)
    await page.get_by_role("button", name="Begin").click()


async def to_the_first_invitation(bare: Console) -> str:
    """The four steps; the write key of the source."""
    page = bare.page
    await expect(page.get_by_role("heading", name="Getting started")).to_be_visible()
    await bare.sound("start-1-catalog")
    await page.get_by_role("searchbox", name="Search the catalog").fill("nothing like it")
    await expect(page.get_by_text("Nothing of that name")).to_be_visible()
    await page.get_by_role("searchbox", name="Search the catalog").fill("trust")
    await page.get_by_role("link", name="Connect Trustpilot").click()

    await bare.sound("start-2-sources")
    await page.get_by_label("Name your shop").fill("shop")
    await page.get_by_role("button", name="Go on").click()

    await bare.sound("start-3-key")
    await page.get_by_label("API Key").fill("testIntegrationKey")
    await page.get_by_text("Try it with a sandbox first").click()
    await page.get_by_role("textbox", name="Base URL").fill(bare.sandbox.url)
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name="Save").click()

    await page.get_by_role("button", name="Test the connection").click()
    await expect(page.locator("#tested")).to_contain_text(re.compile("It works|no way to ask"))
    await bare.sound("start-4-paused")
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_role("heading", name="It is on")).to_be_visible()
    await page.get_by_role("button", name="Fill in the write key of shop").click()
    await expect(page.locator("#snippet-curl")).not_to_contain_text("YOUR_WRITE_KEY")
    snippet = await page.locator("#snippet-curl").text_content()
    key = re.search(r"-u (\w+):", snippet or "")
    assert key is not None
    await expect(page.get_by_text("Waiting for your first event from shop")).to_be_visible()
    await bare.sound("start-4-on")

    await sent(bare, key.group(1), "1001")
    await expect(page.locator("#first")).to_contain_text("Got it: Order Completed, order 1001")
    await expect(page.locator("#first .state-accepted")).to_be_visible(timeout=15_000)
    await bare.sound("start-5-got-it")
    assert [each.received.reference_id for each in bare.sandbox.app.recorder.newest()] == ["1001"]
    return key.group(1)


async def a_bad_key_is_mended(bare: Console, key: str) -> None:
    """The vendor takes the key no more: the overview leads to the destination, and a good key sends what waited."""
    page = bare.page
    bare.sandbox.app.faults.add(parse("401@testIntegrationKey"))
    await sent(bare, key, "1002")
    id_ = await ended(bare, "1002", State.BLOCKED)
    await page.goto(f"{bare.url}/")
    await expect(page.get_by_role("heading", name="Needs you now")).to_be_visible()
    await bare.sound("story-needs-you")
    await page.get_by_role("link", name="Look at trustpilot").click()
    await expect(page.locator(".banner-bad")).to_contain_text("does not accept the API Key")
    await page.get_by_role("link", name="To the settings").click()
    await page.get_by_label("API Key").fill("mendedIntegrationKey")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved. It is in force now.")).to_be_visible()
    await ended(bare, "1002", State.ACCEPTED)
    await page.goto(f"{bare.url}/invitations/{id_}")
    await expect(page.locator("#story .page-head .state-accepted")).to_be_visible()
    await bare.sound("story-mended")
    await page.goto(f"{bare.url}/")
    await expect(page.get_by_role("heading", name="Needs you now")).to_have_count(0)
    bare.sandbox.app.faults.add(parse("503x1"))  # an outage that passes by itself
    await sent(bare, key, "1003")
    assert await ended(bare, "1003", State.ACCEPTED)


async def a_partner(bare: Console) -> str:
    """A second destination, which has a call for audiences."""
    page = bare.page
    await page.goto(f"{bare.url}/catalog")
    await page.get_by_role("link", name="Connect Trustpilot").click()
    await page.get_by_label("shop", exact=True).uncheck()
    await page.get_by_label("Or a new source").fill("crm")
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_text("Channel: integration key").click()
    await page.get_by_label("How invitations reach Trustpilot").select_option("partner")
    await page.get_by_role("button", name="Use this channel").click()
    await page.get_by_label("API Key").fill("partnerKey1234")
    await page.get_by_label("Base URL").fill(f"{bare.sandbox.url}/partner")
    await page.get_by_text("Try it with a sandbox first").click()
    await page.get_by_role("checkbox", name="Allow private addresses").check()
    await page.get_by_label("Name").fill("partner")
    await bare.sound("story-partner")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_role("heading", name="It is on")).to_be_visible()
    return "partner"


def told(bare: Console, who: str) -> list[Any]:
    """What the partner heard of this person's membership."""
    calls = bare.sandbox.app.recorder.newest_calls(user_id=who)
    return [msgspec.json.decode(call.traits)["ordered_this_month"] for call in calls]


async def an_audience_is_told(bare: Console, key: str, partner: str) -> None:
    """Everybody at first, then who comes in; a call that is refused is found, and sent again."""

    async def refused() -> int:
        waiting = await bare.plaudit.store.attention("identify")
        return waiting[partner].get("refused", 0)

    page = bare.page
    await page.goto(f"{bare.url}/audiences")
    await page.get_by_role("link", name="New audience").click()
    await page.get_by_label("Name").fill("Ordered this month")
    await expect(page.locator("#estimate .big")).to_have_text("1")
    await expect(page.get_by_text("its channel has no call for audiences")).to_have_count(1)
    await page.get_by_label(partner).check()
    await page.get_by_role("button", name="Save").click()
    runs = page.locator(".runs tbody tr")
    await expect(runs).to_contain_text("First sync", timeout=15_000)
    await expect(runs.locator(".number")).to_have_text(["1", "0", "0"])
    await bare.sound("story-audience")
    assert told(bare, "u1") == [True]

    await sent(bare, key, "2001", who="u2")
    await until(lambda: told(bare, "u2") == [True])

    bare.sandbox.app.faults.add(parse("400x1@partnerKey1234"))
    await sent(bare, key, "2002", who="u3")
    await until(refused)
    await page.reload()
    await page.get_by_role("link", name="1 call waits for somebody").click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await bare.sound("story-call-refused")
    await page.get_by_role("link", name="Ordered this month").click()
    await bare.sound("story-call")
    await page.get_by_role("button", name="Show person").click()
    await expect(page.get_by_role("heading", name="Ordered this month, profile #")).to_be_visible()
    await expect(page.get_by_text("u3@example.com").first).to_be_visible()
    await page.get_by_role("button", name="Retry").click()
    await page.get_by_role("button", name="Retry").click()
    await expect(page.locator("#story .page-head .state-accepted")).to_be_visible(timeout=15_000)
    assert told(bare, "u3") == [True]

    # One thing leads to the next: the order's event, its invitation, its customer, the audience.
    await page.goto(f"{bare.url}/events?order_id=2002")
    await page.locator("#events li button").click()
    await page.locator("#event-detail").get_by_role("link", name="See its story").click()
    await page.get_by_role("link", name="Their profile").click()
    await bare.sound("story-profile")
    await page.get_by_role("link", name="Ordered this month").click()
    await expect(page.locator(".members tbody tr")).to_have_count(3)
    await bare.sound("story-audience-of-three")


async def test_the_overview_says_what_fell_out_and_what_waits(console: Console) -> None:
    page = await console.open("/")
    await console.sound("overview-empty")
    await sent(console, "testWriteKey", "1")
    await sent(console, "testWriteKey", "1")
    await sent(console, "testWriteKey", "2", email="")
    console.sandbox.app.faults.add(parse("400"))
    await sent(console, "testWriteKey", "3")
    await asyncio.sleep(2)
    await console.open("/")
    await expect(page.get_by_text("Needs you now")).to_be_visible()
    await expect(page.locator("canvas")).to_be_visible()
    await console.sound("overview")
    refused = page.locator(".lost tr").filter(has_text="The vendor says that the data is bad")
    number = int(await refused.locator(".number").inner_text())
    await refused.get_by_role("link").click()
    await expect(page).to_have_url(re.compile("/invitations"))
    await expect(page.locator("tbody tr")).to_have_count(number)  # those that it counts
    await console.open("/?destination=trustpilot")
    await expect(page.locator("canvas")).to_be_visible()
    await console.sound("overview-of-one")
    await console.open("/")
    await page.locator(".funnel-step").filter(has_text="Orders").first.get_by_role("link").click()
    await expect(page.locator("#events li")).to_have_count(4)
    await expect(page.get_by_label("What became of it")).to_have_value("orders")
    await page.get_by_label("What became of it").select_option("refused")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("#events li")).to_have_count(1)
    await console.open("/")
    await page.get_by_role("link", name="A required field is missing or wrong").click()
    await expect(page.locator("#events li")).to_have_count(1)
    await console.open("/?span=day")
    await page.get_by_role("link", name="Decide").first.click()
    await expect(page).to_have_url(re.compile("/invitations"))


async def test_the_debugger_follows_what_comes_in(console: Console) -> None:
    page = await console.open("/sources/shop")
    await expect(page.get_by_text("Waiting for events…")).to_be_visible()
    await console.sound("source-empty")
    await sent(console, "testWriteKey", "1")
    await expect(page.locator("#events li")).to_have_count(1)
    await page.get_by_role("button", name="Pause").click()
    await sent(console, "testWriteKey", "2")
    await expect(page.get_by_role("button", name="Go on (1 new)")).to_be_visible()
    await expect(page.locator("#events li")).to_have_count(1)
    await page.get_by_role("button", name="Go on").click()
    await expect(page.locator("#events li")).to_have_count(2)
    await page.get_by_role("searchbox").fill("order nothing")
    await expect(page.get_by_text("No event fits")).not_to_be_visible()
    await page.get_by_role("searchbox").fill("")

    await page.locator("#events li button").first.click()
    detail = page.locator("#event-detail")
    await expect(detail).to_contain_text("a…@example.com")
    await expect(detail).not_to_contain_text("Choose an event")
    await console.sound("source-event")
    await detail.get_by_role("button", name="Show as it came").click()
    await expect(detail).to_contain_text("ada@example.com")
    await detail.get_by_role("button", name="Raw").click()
    await expect(detail.locator("#event-text")).to_be_visible()
    audit = await console.plaudit.store.access.audit(limit=10)
    assert "reveal" in {entry.action for entry in audit}
    await console.sound("source-raw")

    long = track({"order_id": "9" * 200, "email": "ada@example.com"}, event="Order Completed " + "x" * 300)
    await asyncio.to_thread(http, f"{console.url}/v1/track", long, key="testWriteKey")
    await expect(page.locator("#events li")).to_have_count(3)
    await page.locator("#events li button").first.click()
    await expect(detail).to_contain_text("xxx")
    await console.sound("source-long")

    await page.get_by_role("button", name="Show", exact=True).first.click()
    await expect(page.locator("#write-key")).to_have_text("testWriteKey")
    await page.get_by_role("button", name="Rotate the key").click()
    await console.sound("source-rotate")
    await page.get_by_role("button", name="Make a new key").click()
    await expect(page.get_by_text("The key before is refused from now on")).to_be_visible()
    assert (await console.plaudit.store.configuration()).sources[0].write_key != "testWriteKey"


async def test_connections_and_the_catalog(console: Console) -> None:
    page = await console.open("/connections")
    await console.sound("connections")
    await page.get_by_role("button", name="Add a source").click()
    await page.get_by_label("Name").fill("till")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{console.url}/sources/till")
    await expect(page.get_by_text("connected to no destination")).not_to_be_visible()
    await expect(page.get_by_text("no destination, so its orders make no invitations")).to_be_visible()
    await console.open("/catalog")
    await console.sound("catalog")
    await console.open("/connections")
    await page.get_by_text("From Segment itself").click()
    await console.sound("connections-segment")
    await page.get_by_role("link", name="segment/trustpilot").click()
    await expect(page.get_by_text("What Segment itself sends")).to_be_visible()
    await console.sound("inlet")
