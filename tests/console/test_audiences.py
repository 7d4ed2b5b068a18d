"""Audiences, traits and profiles in a browser: built, counted, saved, told, explained; and a person who is forgotten."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from plaudit.destinations.base import State

from .conftest import Console
from .shop import ended, order


async def asked_to_be_told(page: Page) -> None:
    await page.get_by_label("trustpilot").check()
    await page.get_by_role("button", name="Save").click()


async def test_an_audience_is_built_counted_saved_and_explained(console: Console) -> None:
    for number in (1, 2, 3):
        await order(console, str(number))
        await ended(console, str(number), State.ACCEPTED)
    page = await console.open("/audiences")
    await expect(page.get_by_role("heading", name="No audience yet")).to_be_visible()
    await console.sound("audiences-empty")
    await page.get_by_role("link", name="New audience").click()

    query = page.get_by_role("textbox", name="Query")
    await expect(page.locator("#estimate")).to_contain_text("of 3 profiles")
    # A row changes the text …
    await page.get_by_label("Condition 1: times").fill("2")
    await page.get_by_label("Condition 1: days").fill("")
    await page.get_by_label("Condition 1: days").press("Tab")
    await expect(query).to_have_value("event('Order Completed').count() >= 2")
    await expect(page.locator("#estimate .big")).to_have_text("0")
    await page.get_by_role("button", name="Add a trait").click()
    await expect(query).to_have_value("event('Order Completed').count() >= 2 AND trait('plan') = 'gold'")
    await page.get_by_role("button", name="Take out condition 2").click()
    await expect(query).to_have_value("event('Order Completed').count() >= 2")
    # … and the text changes the rows, once what changed it has settled.
    await expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)
    await query.fill("event('Order Completed').within(7 days).count() >= 1 OR trait('age') > 30")
    await expect(page.get_by_label("Condition 2: trait")).to_have_value("age")
    await expect(page.get_by_label("Condition 1: days")).to_have_value("7")
    await expect(page.locator("#every")).to_have_value("no")
    await expect(page.locator("#estimate .big")).to_have_text("3")
    await console.sound("audience-new")
    await query.fill("event('Order Completed'.count() >= 1")
    await expect(page.locator("#estimate")).to_contain_text("column")
    await expect(page.locator("#builder")).to_contain_text("changed as text")
    await page.get_by_label("Name").fill("Ordered this week")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("query")
    assert [each for each in console.complaints if "422" not in each] == []
    console.complaints.clear()
    await page.get_by_role("textbox", name="Query").fill(
        "event('Order Completed').within(7 days).count() >= 1"
    )
    await asked_to_be_told(page)

    await expect(page.get_by_role("heading", name="Ordered this week")).to_be_visible()
    await expect(page).to_have_url(re.compile("/audiences/ordered_this_week$"))
    await expect(page.locator(".figure", has_text="Members").locator(".figure-number")).to_have_text(
        "3", timeout=15_000
    )
    await page.reload()
    await expect(page.locator("tbody tr")).to_have_count(3)
    assert "customer1@" not in await page.content()
    await page.get_by_label("E-mail, user id or #profile").fill("customer1@example.com")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.locator(".said")).to_contain_text("in")
    await expect(page.locator(".reasons")).to_contain_text("1 event")
    assert "customer1" not in page.url
    await console.sound("audience")
    await page.get_by_label("E-mail, user id or #profile").fill("nobody@example.com")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_role("alert")).to_contain_text("nobody is known by that")

    await page.goto(f"{console.url}/audiences")
    await expect(page.get_by_role("link", name="Ordered this week")).to_be_visible()
    await console.sound("audiences")
    await page.get_by_role("link", name="Ordered this week").click()
    await page.get_by_role("button", name="Remove…").click()
    await console.sound("audience-remove")
    await page.get_by_role("button", name="Remove it").click()
    await expect(page.get_by_role("heading", name="No audience yet")).to_be_visible()


async def test_a_trait_is_made_and_changed(console: Console) -> None:
    await order(console, "1")
    await ended(console, "1", State.ACCEPTED)
    page = await console.open("/traits")
    await expect(page.get_by_role("heading", name="No trait yet")).to_be_visible()
    await console.sound("traits-empty")
    await page.get_by_role("link", name="New trait").click()
    query = page.get_by_role("textbox", name="Query")
    await page.get_by_label("What of them").select_option("count")
    await expect(query).to_have_value("event('Order Completed').count()")
    await expect(page.get_by_label("Property", exact=True)).not_to_be_visible()
    await page.get_by_label("What of them").select_option("avg")
    await page.get_by_label("Days, empty for ever").fill("90")
    await page.get_by_label("Property", exact=True).fill("total")
    await page.get_by_label("Property", exact=True).press("Tab")
    await expect(query).to_have_value("event('Order Completed').within(90 days).avg(property('total'))")
    await expect(page.locator("#estimate .big")).to_have_text("1")
    await expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)
    await query.fill("event('Order Completed').where(property('total') > 5).count()")
    await expect(page.locator("#builder")).to_contain_text("changed as text")
    await query.fill("event('Order Completed').sum(property('total'))")
    await expect(page.get_by_label("What of them")).to_have_value("sum")
    await expect(page.get_by_label("Days, empty for ever")).to_have_value("")
    await console.sound("trait-new")
    rows, text = (
        await page.locator("#builder").bounding_box(),
        await page.locator("#query-box").bounding_box(),
    )
    assert rows and text and rows["x"] + rows["width"] <= text["x"]  # beside each other, where there is room
    await page.get_by_label("Name").fill("spent")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("tbody tr")).to_contain_text("1250.5", timeout=15_000)
    await console.sound("trait")
    await console.open("/traits")
    await console.sound("traits")
    await page.get_by_role("link", name="spent").click()
    await page.get_by_role("link", name="Change").click()
    await page.get_by_role("textbox", name="Query").fill("event('Order Completed').count()")
    await page.get_by_role("button", name="Save").click()
    there = await console.plaudit.store.configuration()
    assert [each.query for each in there.definitions] == ["event('Order Completed').count()"]


async def test_a_person_is_looked_up_shown_and_forgotten(console: Console) -> None:
    await order(console, "77")
    await ended(console, "77", State.ACCEPTED)
    page = await console.open("/profiles")
    await console.sound("profiles")
    await page.get_by_role("searchbox").fill("nobody@example.com")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Nobody is known by that")
    console.complaints.clear()
    await page.get_by_role("searchbox").fill("customer77@example.com")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="77", exact=True)).to_be_visible()
    await expect(page).to_have_url(re.compile("/profiles/[0-9]+$"))
    assert "customer77" not in await page.content()
    await console.sound("profile")
    id_ = page.url.rpartition("/")[2]
    await page.get_by_role("button", name="Show who it is").click()
    await expect(page.get_by_text("e-mail customer77@example.com")).to_be_visible()
    recorded = await console.plaudit.store.access.audit(limit=1)
    assert (recorded[0].action, recorded[0].about) == ("reveal", f"profile {id_}")

    await page.get_by_role("button", name="Forget…").click()
    await expect(page.get_by_role("heading", name=f"Forget profile #{id_}?")).to_be_visible()
    await console.sound("profile-forget")
    await page.get_by_role("button", name="Forget them").click()
    await expect(page.get_by_role("heading", name="Forgotten")).to_be_visible()
    assert await console.plaudit.store.invitations(email="customer77@example.com") == []
    await page.goto(f"{console.url}/profiles/{id_}")
    await expect(page.get_by_role("alert")).to_contain_text(f"There is no profile {id_}")
