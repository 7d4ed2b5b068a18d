"""The console by keyboard alone: skipping, the menu of a small screen, dialogs, searching, an event's details."""

from __future__ import annotations

from playwright.async_api import Page, expect

from .conftest import Console
from .test_story import sent


async def focused(page: Page) -> str:
    said: str = await page.evaluate("document.activeElement.textContent.trim().replace(/\\s+/g, ' ')")
    return said


async def test_the_first_tab_skips_to_the_page(console: Console) -> None:
    page = await console.open("/connections")
    await page.keyboard.press("Tab")
    assert await focused(page) == "Skip to the page"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await focused(page) == "Add a source"


async def test_a_dialog_opens_holds_the_focus_and_closes(console: Console) -> None:
    page = await console.open("/connections")
    await page.get_by_role("button", name="Add a source").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).not_to_be_visible()
    assert await focused(page) == "Add a source"


async def test_the_menu_of_a_small_screen(console: Console) -> None:
    page = await console.open("/connections")
    await page.set_viewport_size({"width": 360, "height": 900})
    menu = page.get_by_role("button", name="Menu")
    await expect(page.get_by_role("link", name="Settings")).not_to_be_visible()
    await menu.focus()
    await page.keyboard.press("Enter")
    await expect(menu).to_have_attribute("aria-expanded", "true")
    await expect(page.get_by_role("link", name="Settings")).to_be_visible()
    await page.screenshot(path=console.picture("menu-light-360"))
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("link", name="Settings")).not_to_be_visible()


async def test_an_event_is_searched_for_and_shown(console: Console) -> None:
    page = await console.open("/events")
    for order in ("first-17", "first-18"):  # which no time of day looks like
        await sent(console, "testWriteKey", order)
    await expect(page.locator("#events li")).to_have_count(2)
    await page.keyboard.press("/")
    await page.keyboard.type("first-17")
    await expect(page.locator("#events li:visible")).to_have_count(1)
    await page.locator("#events li:visible button").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#event-detail")).to_contain_text("first-17")
    await console.sound("events")
