"""Where the reader is, they stay: what follows by itself takes neither the focus nor what is typed away."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from plaudit.destinations.base import State
from plaudit.store.access import Role

from .conftest import Console
from .shop import ended, faults, order
from .test_keyboard import focused
from .test_story import sent

FOCUSABLE = "a[href], button, summary, input:not([type=hidden]), select, textarea, [tabindex='0']"


async def polled(page: Page, part: str) -> None:
    """Twice: the second time nothing has changed."""
    for _ in range(2):
        async with page.expect_response(lambda reply: reply.url.endswith(part)):
            pass
    await page.wait_for_timeout(100)


async def unnamed(page: Page, part: str) -> list[str]:
    """What can have the focus in a part, and has no id by which it would get it back."""
    script = """([part, focusable]) => [...document.querySelectorAll(`#${part} :is(${focusable})`)]
        .filter(each => !each.id && !each.closest("details > :not(summary)")).map(each => each.outerHTML)"""
    found: list[str] = await page.evaluate(script, [part, FOCUSABLE])
    return [each for each in found if 'type="hidden"' not in each]


async def test_a_lane_that_follows_keeps_the_focus(console: Console) -> None:
    page = await console.open("/destinations/trustpilot")
    waiting = page.get_by_role("link", name="Accepted, 24 h")
    await waiting.focus()
    await order(console, "1")
    await ended(console, "1", State.ACCEPTED)
    await expect(waiting).to_contain_text("1", timeout=15_000)  # it was put in place anew
    await expect(waiting).to_be_focused()
    await page.evaluate("document.getElementById('lane').dataset.mine = 'yes'")
    await polled(page, "/lane")
    await expect(page.locator("#lane")).to_have_attribute(
        "data-mine", "yes"
    )  # nothing changed: it is the same
    await faults(console, "400")
    await order(console, "2")
    await ended(console, "2", State.REFUSED)
    await page.reload()
    assert await unnamed(page, "lane") == []


async def test_a_story_that_follows_keeps_the_focus(console: Console) -> None:
    await faults(console, "503")
    await order(console, "1")
    page = await console.open(f"/invitations/{await ended(console, '1', State.QUEUED)}")
    assert await unnamed(page, "story") == []
    cancel = page.get_by_role("button", name="Cancel")
    await cancel.focus()
    await polled(page, "/part")
    await expect(cancel).to_be_focused()


async def test_the_role_changes_when_asked_to(console: Console) -> None:
    await console.plaudit.store.access.add_person("bo", Role.VIEWER, "", 1)
    page = await console.open("/settings/people")
    await page.get_by_label("Role of bo").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.wait_for_timeout(300)
    roles = {each.name: each.role for each in await console.plaudit.store.access.people()}
    assert roles["bo"] == Role.VIEWER
    await page.keyboard.press("Tab")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    roles = {each.name: each.role for each in await console.plaudit.store.access.people()}
    assert roles["bo"] == Role.ADMIN


async def test_an_event_that_is_chosen_has_the_focus(console: Console) -> None:
    for number in range(3):
        await sent(console, "testWriteKey", str(number))
    page = await console.open("/events")
    await expect(page.locator("#events li")).to_have_count(3)
    await page.locator("#events li button").first.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#event-detail")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#events li button").first).to_be_focused()


async def test_conditions_are_added_and_taken_out_by_keyboard(console: Console) -> None:
    page = await console.open("/audiences/new")
    add = page.get_by_role("button", name="Add a trait")
    await add.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Condition 2: trait")).to_be_visible()
    await expect(add).to_be_focused()
    await page.get_by_role("button", name="Take out condition 1").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Condition 2: trait")).to_have_count(0)
    await expect(page.get_by_role("button", name="Take out condition 1")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Condition 1: trait")).to_have_count(0)
    assert await focused(page) == "Add what they did"


async def test_a_sync_that_ends_leaves_what_is_typed(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The members come in place, and the question that is half typed stays."""
    for number in (1, 2):
        await order(console, str(number))
        await ended(console, str(number), State.ACCEPTED)
    page = await console.open("/audiences/new")
    await page.get_by_label("Name").fill("Ordered lately")
    await expect(page.locator("#estimate .big")).to_have_text("2")
    moving: list[Any] = [True]
    monkeypatch.setattr("plaudit.console.audiences._moves", lambda row: moving[0])
    await page.get_by_role("button", name="Save").click()
    question = page.get_by_label("E-mail, user id or #profile")
    await question.fill("customer1@exam")
    async with page.expect_response(lambda reply: reply.url.endswith("/state")):
        pass
    await expect(page.locator(".figure", has_text="Members").locator(".figure-number")).to_have_text("2")
    moving[0] = False
    await expect(page.locator("#members tbody tr")).to_have_count(2, timeout=15_000)
    await expect(question).to_have_value("customer1@exam")
    await expect(question).to_be_focused()
    await expect(page.locator("#state")).not_to_have_attribute("hx-trigger", "every 2s")
