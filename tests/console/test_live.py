"""A list that goes on by itself hides nothing: what it has no room for, what came while it was away, that it is away."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import parse_qsl, urlencode

from playwright.async_api import Route, expect

from plaudit.config import parse
from plaudit.console.events import MOST
from plaudit.destinations.catalog import destinations
from plaudit.installation import apply
from support import WRITE_KEY, config, http, track, until

from .conftest import Console
from .test_story import sent


async def many(console: Console, number: int) -> list[int]:
    """The ids of so many events that have come in, the newest first."""
    batch = [track({"order_id": str(n), "email": "ada@example.com"}) for n in range(number)]
    await asyncio.to_thread(http, f"{console.url}/v1/batch", {"batch": batch}, key=WRITE_KEY)

    async def there() -> bool:
        return len(await console.plaudit.store.events()) == number

    await until(there)
    return [row.id for row in await console.plaudit.store.events()]


READ = """async ([seen, last]) => {
    const reply = await fetch(`/events/live?seen=${seen}`, {headers: last ? {"Last-Event-ID": last} : {}});
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("\\nid: ")) text += (await reader.read()).value;
    await new Promise(done => setTimeout(done, 300));
    text += (await reader.read()).value || "";
    reader.cancel();
    return text;
}"""


async def test_what_came_while_a_page_was_away_is_told(console: Console) -> None:
    """The browser says what it had last; the page's own address is older than that."""
    ids = await many(console, 4)
    page = await console.open("/settings/account")
    said = await page.evaluate(READ, [ids[3], str(ids[1])])
    assert re.findall(r"^id: (\d+)$", said, re.MULTILINE) == [str(ids[0])]
    said = await page.evaluate(READ, [ids[2], ""])
    assert re.findall(r"^id: (\d+)$", said, re.MULTILINE) == [str(ids[1]), str(ids[0])]


async def test_more_than_can_be_shown_is_said_and_found(console: Console) -> None:
    ids = await many(console, MOST + 30)

    async def behind(route: Route) -> None:
        """As if the page had been away since the first of them."""
        at, _, query = route.request.url.partition("?")
        await route.continue_(url=f"{at}?{urlencode(dict(parse_qsl(query)) | {'seen': str(ids[-1])})}")

    await console.page.route("**/events/live*", behind)
    page = await console.open("/events")
    more = page.get_by_role("link", name="More came than can be shown here")
    await expect(more).to_be_visible()
    await expect(page.locator("#events li:not(.more)")).to_have_count(MOST)
    await console.sound("events-more")
    await more.click()
    await expect(page.locator(f"#event-{ids[MOST]}")).to_be_visible()
    await expect(page.locator("#events li")).to_have_count(30)


async def test_a_list_that_has_lost_its_server_says_so(console: Console) -> None:
    await console.page.route("**/events/live*", lambda route: route.abort("connectionrefused"))
    page = await console.open("/sources/shop")
    away = page.get_by_text("Not connected; trying again")
    await expect(away).to_be_visible(timeout=15_000)
    console.complaints.clear()
    await page.unroute_all()
    await expect(away).not_to_be_visible(timeout=15_000)
    await sent(console, "testWriteKey", "1")
    await expect(page.locator("#events li")).to_have_count(1)
    console.complaints.clear()


async def test_each_source_has_its_key_and_is_waited_for(console: Console) -> None:
    two = config(console.sandbox.url).replace('["shop"]', '["shop", "till"]')
    two += '[sources.till]\nwrite_key = "tillWriteKey"\n'
    await apply(console.plaudit.store, parse(two, destinations()), 1)
    page = await console.open("/start")
    await expect(page.get_by_text("Waiting for your first event from shop or till")).to_be_visible()
    await page.get_by_role("button", name="Fill in the write key of shop").click()
    await expect(page.locator("#snippet-curl")).to_contain_text(WRITE_KEY)
    await page.get_by_role("button", name="Fill in the write key of till").click()
    await expect(page.locator("#snippet-curl")).to_contain_text("tillWriteKey")
    await console.sound("start-two-sources")
    reached: list[int] = []

    async def reach() -> bool:  # the key is in force as soon as the process has seen it
        reply = await asyncio.to_thread(
            http,
            f"{console.url}/v1/track",
            track({"order_id": "7", "email": "a@b.example"}),
            key="tillWriteKey",
        )
        reached.append(reply.status)
        return reply.status == 200

    await until(reach)
    await expect(page.locator("#first")).to_contain_text("Got it: Order Completed, order 7")


async def test_a_destination_without_a_source_leads_to_choosing_one(console: Console) -> None:
    none = config(console.sandbox.url).replace('["shop"]', "[]")
    await apply(console.plaudit.store, parse(none, destinations()), 1)
    page = await console.open("/start")
    await page.get_by_role("link", name="connect one").click()
    await expect(page).to_have_url(f"{console.url}/destinations/trustpilot/settings")


async def test_an_event_that_is_on_its_way_is_not_taken_for_the_one_before(console: Console) -> None:
    ids = await many(console, 2)
    page = await console.open("/events")
    await page.locator(f"#event-{ids[0]} button").click()
    shown = page.locator("#event-detail h2")
    await expect(shown).to_be_visible()
    go = asyncio.Event()

    async def slow(route: Route) -> None:
        await go.wait()
        await route.continue_()

    await page.route(f"**/events/{ids[1]}", slow)
    await page.locator(f"#event-{ids[1]} button").click()
    await expect(shown).not_to_be_visible()
    go.set()
    await expect(shown).to_be_visible()
    await expect(page.locator("#event-detail")).to_contain_text('"order_id": "0"')


async def test_a_time_of_today_is_of_yesterday_after_midnight(console: Console) -> None:
    await many(console, 1)
    await console.page.clock.install()
    page = await console.open("/events")
    when = page.locator("#events time")
    await expect(when).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    await page.clock.fast_forward("25:00:00")
    await expect(when).to_have_text(re.compile(r"^\d+ \w+, \d\d:\d\d$"))


async def test_a_charts_numbers_can_be_read(console: Console) -> None:
    await many(console, 3)
    page = await console.open("/")
    await page.get_by_text("The numbers", exact=True).focus()
    await page.keyboard.press("Enter")
    row = page.get_by_role("region", name="The numbers over time").locator("tbody tr")
    await expect(row).to_have_count(1)
    assert (await row.locator(".number").all_text_contents())[:2] == ["3", "3"]
    await console.sound("overview-numbers")


async def test_what_was_refused_stands_together(console: Console) -> None:
    page = await console.open("/sources/shop")
    refused = page.locator("optgroup[label=Refused] option")
    said = await refused.all_text_contents()
    assert "A required field is missing or wrong" in said and "Made a review invitation" not in said
    assert await page.locator("optgroup option").count() > len(said)
