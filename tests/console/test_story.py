"""From nothing to the first invitation, and a failure mended, as a shop's person does it: in the browser alone."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from playwright.async_api import expect

from plaudit.sandbox.faults import parse
from support import http, track

from .conftest import PASSWORD, Console


async def sent(console: Console, key: str, order_id: str, **properties: Any) -> None:
    event = track({"order_id": order_id, "email": "ada@example.com", "name": "Ada", **properties})
    reply = await asyncio.to_thread(http, f"{console.url}/v1/track", event, key=key)
    assert reply.status == 200


async def test_from_nothing_to_the_first_invitation(bare: Console) -> None:
    link = await bare.plaudit.set_up_link()
    assert link is not None
    page = bare.page
    await page.goto(link)
    await page.fill("[name=name]", "amy")
    await page.fill("[name=password]", PASSWORD)
    await page.get_by_role("button", name="Begin").click()

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
    await page.get_by_role("link", name="segment/trustpilot").click()
    await expect(page.get_by_text("What Segment itself sends")).to_be_visible()
    await console.sound("inlet")
