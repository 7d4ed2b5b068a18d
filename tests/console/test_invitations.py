"""The ledger in a browser: search, one order's story, and what a person decides about one or many."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from plaudit.destinations.base import State
from plaudit.manage import deciding
from plaudit.store.access import Role
from plaudit.store.decisions import Decided

from .conftest import Console
from .shop import ended, faults, order


async def test_an_empty_ledger_says_what_fills_it(console: Console) -> None:
    page = await console.open("/invitations")
    await expect(page.get_by_role("heading", name="No invitation yet")).to_be_visible()
    await console.sound("invitations-empty")


async def test_invitations_are_found_by_order_customer_and_state(console: Console) -> None:
    for number in range(1001, 1061):
        await order(console, str(number))
    await ended(console, "1060", State.ACCEPTED)
    await faults(console, "400x1")
    await order(console, "2001-an-order-id-of-a-shop-that-likes-them-long")
    await ended(console, "2001-an-order-id-of-a-shop-that-likes-them-long", State.REFUSED)

    page = await console.open("/invitations")
    await expect(page.locator("tbody tr")).to_have_count(50)
    assert "customer1060@" not in await page.content()
    await console.sound("invitations")
    assert len(await page.content()) < 100_000
    await page.get_by_role("link", name="Older").click()
    await expect(page.locator("tbody tr")).to_have_count(11)
    await page.get_by_role("link", name="Newest").click()

    await page.get_by_role("link", name=re.compile("^Refused")).click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.get_by_role("link", name=re.compile("^Refused"))).to_have_attribute(
        "aria-current", "true"
    )

    await page.goto(f"{console.url}/invitations")
    await page.keyboard.press("/")  # the search has the focus then
    await page.keyboard.type("customer1003@example.com")
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.get_by_role("link", name="1003", exact=True)).to_be_visible()
    assert "customer" not in page.url  # no address in what servers and browsers keep

    await page.fill("[type=search]", "1007")
    await page.get_by_role("button", name="Search").click()
    await expect(page).to_have_url(re.compile("order_id=1007"))
    await expect(page.get_by_role("link", name="1007", exact=True)).to_be_visible()

    await page.goto(f"{console.url}/invitations?since=whenever")
    await expect(page.get_by_role("alert")).to_contain_text("whenever")
    await console.sound("invitations-bad-time")
    await page.goto(f"{console.url}/invitations?order_id=none-such")
    await expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()


async def test_a_refused_one_is_read_and_mended(console: Console) -> None:
    await faults(console, "400x1")
    await order(console, "3001")
    id_ = await ended(console, "3001", State.REFUSED)
    page = await console.open(f"/invitations/{id_}")
    await expect(page.get_by_role("heading", name="Order 3001")).to_be_visible()
    await expect(page.get_by_text("Attempt 1")).to_be_visible()
    assert "customer3001@example.com" not in await page.content()
    await page.get_by_text("The event", exact=True).click()
    await expect(page.locator(".timeline pre").first).to_contain_text("order_id")
    assert "customer3001@example.com" not in await page.content()
    request, answer = page.locator(".timeline figure").first, page.locator(".timeline figure.answer")
    await expect(request.locator("figcaption")).to_contain_text("POST http")
    await expect(request.locator("pre")).to_contain_text('"referenceId": "3001"')
    await expect(request.locator("pre")).to_contain_text("c…@example.com")
    await expect(answer.locator("figcaption")).to_contain_text("400 after")
    await console.sound("story-refused")

    await page.get_by_role("button", name="Show customer").click()
    await expect(page.locator("dl.kv")).to_contain_text("customer3001@example.com")
    await expect(request.locator("pre")).to_contain_text("customer3001@example.com")
    await page.get_by_text("The event", exact=True).click()
    await expect(page.locator(".timeline details pre").first).to_contain_text("customer3001@example.com")
    await console.sound("story-revealed")
    recorded = await console.plaudit.store.access.audit(limit=1)
    assert (recorded[0].action, recorded[0].about) == ("reveal", f"invitation {id_}")
    await page.get_by_role("link", name="Order Completed").click()
    await expect(page).to_have_url(re.compile("/events/[0-9]+$"))
    await page.goto(f"{console.url}/invitations/{id_}")

    await page.get_by_role("button", name="Retry").click()
    await expect(page.get_by_role("heading", name="Retry 1 invitation?")).to_be_visible()
    await console.sound("decide-one")
    await page.get_by_role("button", name="Retry").click()
    # It goes on by itself, with nobody loading the page again.
    await expect(page.locator(".page-head .state-accepted")).to_be_visible(timeout=15_000)
    await expect(page.get_by_text("Attempt 2")).to_be_visible()
    await page.get_by_text("Request and answer").last.click()
    await expect(answer.last.locator("figcaption")).to_contain_text("201 after")
    await console.sound("story-accepted")


async def test_many_are_decided_with_their_number_first(console: Console) -> None:
    await faults(console, "reset-after")
    for number in range(4001, 4006):
        await order(console, str(number))
    for number in range(4001, 4006):
        await ended(console, str(number), State.UNCERTAIN)
    await faults(console)

    page = await console.open("/invitations?state=uncertain")
    await page.get_by_label("Order 4002").check()
    await page.get_by_label("Order 4004").check()
    await page.get_by_role("button", name="They arrived").click()
    await expect(page.get_by_role("heading", name="Did 2 invitations arrive?")).to_be_visible()
    await console.sound("decide-many")
    await page.get_by_role("button", name="They arrived").click()
    await expect(page.get_by_role("heading", name="2 are accepted now")).to_be_visible()
    await page.get_by_role("link", name="Back to the list").click()
    await expect(page.locator("tbody tr")).to_have_count(3)

    await page.get_by_role("button", name="Send again").click()  # none ticked: all that fit
    await expect(page.get_by_role("heading", name="Send 3 invitations again?")).to_be_visible()
    await page.get_by_role("button", name="Send again").click()
    await expect(page.get_by_role("heading", name="3 are queued now")).to_be_visible()
    for number in (4001, 4003, 4005):
        await ended(console, str(number), State.ACCEPTED)


async def test_a_decision_about_one_is_undone_from_its_story(console: Console) -> None:
    await faults(console, "400x1")
    await order(console, "5001")
    id_ = await ended(console, "5001", State.REFUSED)
    page = await console.open(f"/invitations/{id_}")
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".page-head .state-cancelled")).to_be_visible()
    await expect(page.locator(".timeline")).to_contain_text("Cancelled by hand")
    await expect(page.locator(".timeline")).to_contain_text("It was refused before")
    await console.sound("story-decided")

    await page.get_by_role("button", name="Undo").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".page-head .state-refused")).to_be_visible()
    await expect(page.locator(".timeline")).to_contain_text("Undone by hand")
    await expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    await console.sound("story-undone")
    undone, decided = await console.plaudit.store.access.audit(limit=2)
    assert (decided.action, decided.about) == ("cancel", f"invitation {id_}")
    assert (undone.action, undone.about) == ("undo", f"decision {decided.id}, invitation {id_}")

    await page.get_by_role("button", name="Retry").click()
    await page.get_by_role("button", name="Retry").click()
    await expect(page.locator(".page-head .state-accepted")).to_be_visible(timeout=15_000)
    await expect(page.locator(".timeline")).to_contain_text("Retried by hand")
    await expect(page.get_by_role("button", name="Undo")).to_have_count(0)  # it has been sent


async def test_a_decision_about_many_is_undone_and_says_what_stays(console: Console) -> None:
    await faults(console, "400")
    for number in range(6001, 6004):
        await order(console, str(number))
    for number in range(6001, 6004):
        await ended(console, str(number), State.REFUSED)
    await faults(console)

    page = await console.open("/invitations?state=refused")
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.get_by_role("heading", name="3 are cancelled now")).to_be_visible()
    await console.sound("decided-many")
    await console.plaudit.store.forget("customer6002@example.com", 1)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("heading", name="2 are as they were before")).to_be_visible()
    await expect(page.get_by_text("1: its customer was forgotten")).to_be_visible()
    await console.sound("undone-many")
    await page.get_by_role("link", name="Back").click()
    await expect(page.locator("tbody tr")).to_have_count(2)

    await console.open("/settings/audit")
    await console.sound("audit-decision")
    await page.get_by_role("link", name=re.compile("^invitations state refused")).click()
    await expect(page.get_by_role("heading", name="Cancel")).to_be_visible()
    await expect(page.get_by_text("1 stays as it is now")).to_be_visible()
    await expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    await console.sound("decision-undone")


async def test_a_decision_is_found_again_and_undone_later(console: Console) -> None:
    await faults(console, "400")
    for number in (7001, 7002):
        await order(console, str(number))
    first, other = [await ended(console, str(number), State.REFUSED) for number in (7001, 7002)]
    store = console.plaudit.store
    await store.decide(Decided.CANCEL, decision=4711, after=0, limit=9, now=1)
    page = await console.open("/decisions/4711")
    await expect(page.get_by_role("heading", name="Decision 4711: Cancel")).to_be_visible()
    await console.sound("decision")
    await store.decide(Decided.CANCEL, decision=4712, after=0, limit=9, now=1)  # about none of them any more
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("heading", name="2 are as they were before")).to_be_visible()
    await console.open("/decisions/4711")
    await expect(page.get_by_text("It is undone.")).to_be_visible()

    # Who decided otherwise since is told, and nothing changes.
    await store.decide(Decided.CANCEL, decision=5001, after=0, limit=9, now=2)
    page = await console.open(f"/invitations/{first}")
    await store.forget("customer7001@example.com", 3)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("heading", name="Nothing could be undone")).to_be_visible()
    await console.sound("undone-none")
    await page.get_by_role("link", name="Back").click()
    await expect(page).to_have_url(re.compile(f"/invitations/{first}$"))
    await console.open(f"/invitations/{other}")
    await expect(page.locator(".page-head .state-cancelled")).to_be_visible()
    await console.open("/decisions/4712")
    await expect(page.get_by_role("alert")).to_contain_text("Nothing is kept of a decision 4712")


async def test_a_viewer_reads_and_decides_nothing(bare: Console) -> None:
    await bare.sign_in(Role.VIEWER)
    page = await bare.open("/invitations")
    await expect(page.get_by_role("heading", name="No invitation yet")).to_be_visible()
    for path in ("/invitations/decide", "/invitations/1/reveal", "/decisions/1/undo"):
        token = await page.evaluate("JSON.parse(document.body.getAttribute('hx-headers'))['x-csrf-token']")
        status = await page.evaluate(
            "([path, token]) => fetch(path, {method: 'POST', headers: {'x-csrf-token': token}}).then(r => r.status)",
            [path, token],
        )
        assert status == 403, path
    page = await bare.open("/invitations/77")
    await expect(page.get_by_role("alert")).to_contain_text("There is no invitation 77")
    for path in ("/invitations/{}/profile", "/events/{}/profile"):
        page = await bare.open(path.format("9" * 40))
        await expect(page.get_by_role("alert")).to_contain_text("here is no")
    page = await bare.open("/invitations/" + "9" * 40)
    await expect(page.get_by_role("alert")).to_contain_text("There is no invitation")


async def test_what_is_looked_for_by_an_address_stays_chosen(console: Console) -> None:
    await faults(console, "400")
    for order_id, email in (("8001", "ada@example.com"), ("8002", "eve@example.com")):
        await order(console, order_id, email=email)
        await ended(console, order_id, State.REFUSED)
    page = await console.open("/invitations")
    await page.fill("[type=search]", "ada@example.com")
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    refused = page.get_by_role("button", name=re.compile("^Refused"))
    await refused.click()
    await expect(refused).to_have_attribute("aria-current", "true")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await console.sound("invitations-by-address")
    assert page.url == f"{console.url}/invitations"
    for leave in ("Leave as it is", "Back"):
        await page.get_by_role("button", name="Cancel", exact=True).click()
        if leave == "Back":
            await page.get_by_role("button", name="Cancel", exact=True).click()
            await page.get_by_role("button", name="Undo").click()
        await page.get_by_role("button", name=leave).click()
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator("[type=search]")).to_have_value("ada@example.com")
    await page.get_by_role("button", name="Accepted").click()
    await page.get_by_role("button", name="Look up their profile").click()
    await expect(page).to_have_url(re.compile("/profiles/[0-9]+$"))


async def test_an_order_without_an_invitation_leads_to_what_came_in(console: Console) -> None:
    await order(console, "8101", email="not an address")
    page = await console.open("/invitations?order_id=8101")
    await console.sound("invitations-none-of-order")
    await page.get_by_role("link", name="What came in about order 8101").click()
    await expect(page).to_have_url(re.compile("/events.order_id=8101$"))
    await expect(page.locator("#events li")).to_have_count(1)


async def test_an_action_says_which_states_it_is_for(console: Console) -> None:
    await faults(console, "reset-after")
    await order(console, "8201")
    await ended(console, "8201", State.UNCERTAIN)
    await faults(console, "400")
    await order(console, "8202")
    await ended(console, "8202", State.REFUSED)
    page = await console.open("/invitations")
    await page.get_by_label("Order 8201").check()
    await page.get_by_label("Order 8202").check()
    await page.get_by_role("button", name="Retry").click()
    await expect(page.get_by_text("1 of those ticked stays as it is")).to_be_visible()
    await page.get_by_role("link", name="Leave as it is").click()
    await page.get_by_label("Order 8201").check()
    await page.get_by_role("button", name="Retry").click()
    await expect(page.get_by_text("“Retry” is for held queued refused failed blocked")).to_be_visible()
    await console.sound("decide-none")
    await page.get_by_role("link", name="To those that are uncertain").click()
    await expect(page).to_have_url(f"{console.url}/invitations?state=uncertain")
    await expect(page.locator("tbody tr")).to_have_count(1)


async def test_more_than_one_step_takes_goes_on(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    await faults(console, "400")
    for number in range(8301, 8304):
        await order(console, str(number))
    for number in range(8301, 8304):
        await ended(console, str(number), State.REFUSED)
    monkeypatch.setattr(deciding, "MOST", 2)
    page = await console.open("/invitations?state=refused")
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.get_by_text("One step takes 2, the oldest first.")).to_be_visible()
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.get_by_role("heading", name="2 are cancelled now")).to_be_visible()
    await console.sound("decided-some")
    await page.get_by_role("button", name="Go on with the other 1").click()
    await expect(page.get_by_role("heading", name="1 is cancelled now")).to_be_visible()


async def test_times_say_how_they_are_written_and_read_well(console: Console) -> None:
    page = await console.open("/invitations?since=27.11.2026")
    await expect(page.get_by_role("alert")).to_contain_text("2026-11-27 18:40")
    await expect(page.get_by_label("Since")).to_have_attribute("aria-describedby", "times")
    await faults(console, "400")
    await order(console, "8401")
    id_ = await ended(console, "8401", State.REFUSED)
    await console.plaudit.store.decide(Decided.CANCEL, decision=1, after=0, limit=9, now=1_790_000_000_000)
    page = await console.open(f"/invitations/{id_}")
    await expect(page.locator(".lead")).to_contain_text("decided at 21 Sept")
    await page.goto(f"{console.url}/invitations?state=cancelled")
    await expect(page.locator("td.why")).to_contain_text("decided at 21 Sept")
