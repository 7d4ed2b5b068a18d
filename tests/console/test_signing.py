"""The way in: the one-time link, signing in and out, by keyboard, and with the wrong password."""

from __future__ import annotations

import re

from playwright.async_api import expect

from .conftest import PASSWORD, Console


async def test_the_first_person_sets_up_signs_out_and_in(bare: Console) -> None:
    link = await bare.plaudit.set_up_link()
    assert link is not None
    page = await bare.open("/")
    await expect(page).to_have_url(re.compile("/sign-in$"))
    await expect(page.get_by_text("Nobody is known to this server yet")).to_be_visible()
    await bare.sound("sign-in-nobody")
    await page.goto(link)
    await bare.sound("set-up")
    # By keyboard alone: the first field has the focus.
    await page.keyboard.type("amy")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{bare.url}/start")

    await page.goto(link)
    await page.goto(f"{bare.url}/set-up?link=again")
    await expect(page).to_have_url(f"{bare.url}/start")  # there is somebody by now, and they are signed in
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(f"{bare.url}/sign-in")

    await page.goto(f"{bare.url}/settings/audit")
    await expect(page).to_have_url(f"{bare.url}/sign-in?next=/settings/audit")
    bare.complaints.clear()
    await page.fill("[name=name]", "amy")
    await page.fill("[name=password]", "not my password")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("no person has this name and this password")
    assert [each for each in bare.complaints if "401" not in each] == []
    bare.complaints.clear()
    await bare.sound("sign-in-wrong")
    await page.fill("[name=password]", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{bare.url}/settings/audit")


async def test_what_is_not_there_says_so_in_the_frame(console: Console) -> None:
    page = await console.open("/nothing/here")
    await expect(page.get_by_role("alert")).to_have_text("There is nothing at /nothing/here.")
    await expect(page.get_by_role("navigation", name="Console")).to_be_visible()
    console.complaints.clear()
    await console.sound("not-found")


async def test_the_appearance_stays_as_chosen(console: Console) -> None:
    page = await console.open("/nothing/here")
    appearance = page.get_by_role("button", name="Appearance")
    await expect(appearance).to_contain_text("system")
    await appearance.click()
    await appearance.click()
    await expect(appearance).to_contain_text("dark")
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    await expect(page.get_by_role("button", name="Appearance")).to_contain_text("dark")
