"""A destination in a browser: its lane, its settings as a form, and its event tester."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

from playwright.async_api import Browser, Route, expect

from plaudit.app import Options, Plaudit
from plaudit.config import parse
from plaudit.destinations.base import State
from plaudit.destinations.catalog import destinations
from plaudit.installation import apply
from plaudit.sandbox.server import Server
from support import API_KEY, config, until

from .conftest import Console
from .shop import ended, faults, order

PLACE = "/destinations/trustpilot"


async def test_a_lane_is_paused_and_resumed(console: Console) -> None:
    await order(console, "1001")
    await ended(console, "1001", State.ACCEPTED)
    page = await console.open(PLACE)
    await expect(page.get_by_role("link", name="Accepted, 24 h")).to_contain_text("1")
    await console.sound("lane")

    await page.get_by_text("Pause…").click()
    await page.get_by_label("Why").fill("the shop moves")
    await console.sound("lane-pause")
    await expect(page.get_by_label("Why")).to_have_value(
        "the shop moves"
    )  # also when the lane has followed by itself
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("status").filter(has_text="the shop moves")).to_be_visible()
    await console.sound("lane-paused")
    await order(console, "1002")
    await ended(console, "1002", State.QUEUED)
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_text("the shop moves")).to_have_count(0)
    await ended(console, "1002", State.ACCEPTED)

    await page.get_by_role("button", name="Test the connection").click()
    await expect(page.locator("#tested")).not_to_be_empty()
    await console.sound("lane-tested")


async def test_the_form_saves_what_is_good_and_says_what_is_not(console: Console) -> None:
    page = await console.open(f"{PLACE}/settings")
    assert API_KEY not in await page.content()
    await console.sound("settings-form")

    await page.locator("summary", has_text="More settings").click()
    await console.sound("settings-form-more")

    await page.get_by_label("API Key").fill("anotherIntegrationKey")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved. It is in force now.")).to_be_visible()
    there = await console.plaudit.store.configuration()
    assert there.destinations[0].settings["api_key"] == "anotherIntegrationKey"
    assert there.destinations[0].settings["base_url"] == console.sandbox.url
    assert "anotherIntegrationKey" not in await page.content()

    await page.get_by_label("API Key").fill("")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("API Key is missing")
    assert [each for each in console.complaints if "422" not in each] == []
    console.complaints.clear()
    await console.sound("settings-form-wrong")

    await page.goto(f"{console.url}{PLACE}/settings")
    await page.locator("summary", has_text="More settings").click()
    await page.get_by_label("API Key").fill("aThirdIntegrationKey")
    await page.get_by_label("Hold time", exact=True).fill("soon")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("length of time")
    await expect(page.get_by_label("API Key")).to_have_value(
        "aThirdIntegrationKey"
    )  # not lost, and not the old one
    await expect(page.get_by_text("It is set, and stays so")).to_have_count(0)
    await page.get_by_label("Hold time", exact=True).fill("1 day")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved. It is in force now.")).to_be_visible()
    there = await console.plaudit.store.configuration()
    assert there.destinations[0].settings["api_key"] == "aThirdIntegrationKey"
    await expect(page.get_by_text("It is set, and stays so")).to_be_visible()
    console.complaints.clear()

    await page.goto(f"{console.url}{PLACE}/settings")
    await page.get_by_label("Channel").select_option("invitations_api")
    await expect(page.get_by_label("Business Unit")).to_be_visible()  # what this channel needs
    await console.sound("settings-form-invitations-api")


async def test_removing_asks_first(console: Console) -> None:
    page = await console.open(f"{PLACE}/settings")
    await page.get_by_role("button", name="Remove…").click()
    await expect(page.get_by_role("heading", name="Remove trustpilot?")).to_be_visible()
    await console.sound("destination-remove")
    await page.get_by_role("button", name="Remove it").click()
    await expect(page.get_by_role("heading", name="Remove trustpilot?")).to_have_count(0)
    assert (await console.plaudit.store.configuration()).destinations == []


async def test_an_event_is_tried_dry_and_then_for_real(console: Console) -> None:
    page = await console.open(f"{PLACE}/tester")
    await console.sound("tester")
    await page.get_by_role("button", name="Dry run").click()
    result = page.locator("#result")
    await expect(result).to_contain_text("Would make a review invitation")
    await expect(result.locator("pre").first).to_contain_text("ada@example.com")
    await console.sound("tester-dry")
    assert await console.plaudit.store.invitations(limit=1) == []

    await page.fill("textarea", "{ this is no JSON")
    await page.get_by_role("button", name="Dry run").click()
    await expect(result.get_by_role("alert")).to_contain_text("this is no JSON")
    await page.fill("textarea", "[" * 5000)
    await page.get_by_role("button", name="Dry run").click()
    await expect(result.get_by_role("alert")).to_contain_text("JSON")

    event = {
        "type": "track",
        "event": "Order Completed",
        "userId": "u1",
        "properties": {"order_id": "tested-1", "email": "grace@example.com", "name": "Grace"},
    }
    await page.fill("textarea", json.dumps(event))
    await expect(page.get_by_role("button", name="Send this for real")).to_have_count(0)
    await page.get_by_role("button", name="Dry run").click()
    await expect(result).to_contain_text("the customer in it is invited")
    await page.get_by_role("button", name="Send this for real").click()
    await result.get_by_role("link", name="See its story").click(timeout=15_000)
    await expect(page).to_have_url(re.compile("/invitations/[0-9]+$"))
    await ended(console, "tested-1", State.ACCEPTED)

    # A real one into the editor: its customer is shown, so that is recorded.
    await page.goto(f"{console.url}{PLACE}/tester")
    await page.get_by_label("Start from").select_option(index=0)
    await page.get_by_role("button", name="Take").click()
    await expect(page.locator("textarea")).to_have_value(re.compile("grace@example.com"))
    recorded = await console.plaudit.store.access.audit(limit=1)
    assert recorded[0].action == "reveal"


async def test_the_tester_starts_from_events_of_the_source_that_is_chosen(console: Console) -> None:
    there = config(console.sandbox.url).replace('["shop"]', '["shop", "till"]')
    till = '[sources.till]\nwrite_key = "tillKey12345"\n'
    await apply(console.plaudit.store, parse(there + till, destinations()), 2)
    await order(console, "1601")
    await ended(console, "1601", State.ACCEPTED)
    page = await console.open(f"{PLACE}/tester")
    await page.fill("textarea", "what somebody wrote")
    await expect(page.get_by_label("Start from")).to_be_visible()
    await page.get_by_label("As if from").select_option("till")
    await expect(page.get_by_label("Start from")).to_have_count(0)  # nothing came from there yet
    await page.get_by_label("As if from").select_option("shop")
    await expect(page.get_by_label("Start from").locator("option")).to_have_attribute(
        "title", re.compile("UTC$")
    )
    await expect(page.locator("textarea")).to_have_value("what somebody wrote")
    await page.get_by_role("button", name="Take").click()
    await expect(page.get_by_label("As if from")).to_have_value("shop")


async def test_a_bad_key_pauses_it_and_the_lane_says_why(console: Console) -> None:
    await faults(console, "401")
    await order(console, "1001")
    await ended(console, "1001", State.BLOCKED)
    page = await console.open(PLACE)
    await expect(page.locator(".banner-bad")).to_contain_text("Paused")
    await console.sound("lane-blocked")
    page = await console.open("/destinations/nowhere")
    await expect(page.get_by_role("alert")).to_contain_text("nowhere")


async def test_a_lane_says_what_it_waits_after_and_what_is_overdue(console: Console) -> None:
    await faults(console, "503")
    for number in range(1801, 1807):
        await order(console, str(number))
    name, kept = "trustpilot", console.plaudit.store
    row = next(each for each in (await kept.configuration()).destinations if each.name == name)
    await until(lambda: console.plaudit._deliverer.waits(row.id))
    page = await console.open(PLACE)
    banner = page.locator(".banner-bad")
    await expect(banner).to_contain_text("Nothing is sent just now")
    await expect(banner).to_contain_text("Last answer: 503")
    await expect(banner).to_contain_text("Next try")
    await expect(page.locator("header .state")).to_have_text("waiting")
    await console.sound("lane-waits")
    view = await page.evaluate(f"fetch('/api/destinations/{name}').then(r => r.json())")
    assert view["waits"]["status"] == 503

    await page.get_by_text("Pause…").click()
    await page.get_by_role("button", name="Pause").click()
    await asyncio.sleep(4)  # what waits becomes due
    await console.open(PLACE)
    await expect(page.get_by_text("has been due since")).to_contain_text("when the destination is resumed")
    await console.sound("lane-overdue")


async def test_the_tester_gives_up_and_looks_again(tmp_path: Path, browser: Browser) -> None:
    """Where processing stands still it says where the event is; when it goes on, a second look finds what became of it."""

    async def earlier(route: Route) -> None:
        """As if the event had been sent forty seconds before."""
        since = int(re.findall(r"since=(\d+)", route.request.url)[0])
        await route.continue_(url=route.request.url.replace(str(since), str(since - 40_000)))

    async with Server(port=0) as sandbox:
        front = Plaudit(Options(data=tmp_path / "data", port=0, roles=frozenset({"collect", "console"})))
        await front.start(parse(config(sandbox.url), destinations()))
        context = await browser.new_context(locale="en-GB", timezone_id="Europe/Copenhagen")
        console = Console(front, sandbox, await context.new_page())
        await console.sign_in()
        page = await console.open(f"{PLACE}/tester")
        await page.get_by_role("button", name="Dry run").click()
        await page.get_by_role("button", name="Send this for real").click()
        result = page.locator("#result")
        await expect(result).to_contain_text("Waiting for what becomes of it")
        await page.route("**/tester/became?**", earlier)
        await expect(result).to_contain_text("It is the next in turn")
        await expect(result.get_by_role("link", name="What this server says of itself")).to_be_visible()
        await console.sound("tester-gave-up")
        await page.unroute("**/tester/became?**")
        await result.get_by_role("button", name="Look again").click()
        await expect(result).to_contain_text("Waiting for what becomes of it")
        back = Plaudit(Options(data=tmp_path / "data", port=0, roles=frozenset({"process", "deliver"})))
        await back.start()
        await expect(result.get_by_role("link", name="See its story")).to_be_visible(timeout=15_000)
        await result.get_by_role("link", name="See the event").click()
        await expect(page.get_by_role("heading", name="Order Completed")).to_be_visible()
        await page.get_by_role("button", name="Show as it came").click()
        await page.get_by_role("button", name="Raw").click()
        await expect(page.locator("#event-text")).to_be_visible()
        await console.sound("event-alone")
        await context.close()
        await back.stop()
        await front.stop()
