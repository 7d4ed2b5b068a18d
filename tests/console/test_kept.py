"""What somebody typed is there again after an error, but for what is secret."""

from __future__ import annotations

import re

from playwright.async_api import expect

from plaudit.store.access import hashed

from .conftest import PASSWORD, Console


def forgiven(console: Console, *statuses: int) -> None:
    """The browser complains of these answers, which were asked for."""
    assert [each for each in console.complaints if not any(str(status) in each for status in statuses)] == []
    console.complaints.clear()


async def test_a_person_that_cannot_be_added_stays_in_the_dialog(console: Console) -> None:
    page = await console.open("/settings/people")
    await page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog", name="Add a person")
    await dialog.get_by_label("Name").fill("admin")
    await dialog.get_by_label("Role").select_option("operator")
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("admin")
    await expect(dialog.get_by_label("Name")).to_have_value("admin")
    await expect(dialog.get_by_label("Role")).to_have_value("operator")
    assert PASSWORD not in await page.content()
    forgiven(console, 409)
    await console.sound("settings-people-again")

    await console.open("/settings/people")
    await page.get_by_role("button", name="New password for admin").click()
    dialog = page.get_by_role("dialog", name="A new password for admin")
    await console.sound("settings-people-password")
    await dialog.get_by_label("Password").evaluate("field => field.removeAttribute('minlength')")
    await dialog.get_by_label("Password").fill("short")
    await dialog.get_by_role("button", name="Set it").click()
    await expect(dialog.get_by_role("alert")).to_be_visible()
    forgiven(console, 400, 422)


async def test_a_source_that_cannot_be_added_stays_in_the_dialog(console: Console) -> None:
    page = await console.open("/connections")
    await page.get_by_role("button", name="Add a source").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("shop")
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("shop")
    await expect(dialog.get_by_label("Name")).to_have_value("shop")
    forgiven(console, 409)
    await console.sound("connections-again")


async def test_a_token_that_cannot_be_made_stays_in_the_dialog(console: Console) -> None:
    page = await console.open("/settings/tokens")
    await page.get_by_role("button", name="Make a token").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Program").fill("x" * 1100)
    await dialog.get_by_label("Role").select_option("operator")
    await dialog.get_by_role("button", name="Make it").click()
    await expect(dialog.get_by_role("alert")).to_be_visible()
    await expect(dialog.get_by_label("Program")).to_have_value("x" * 1000)
    await expect(dialog.get_by_label("Role")).to_have_value("operator")
    forgiven(console, 400, 422)


async def test_getting_started_keeps_what_is_not_secret(console: Console) -> None:
    page = await console.open("/start?type=trustpilot&source=shop")
    await page.get_by_label("Name").fill("trustpilot")
    await page.get_by_label("API Key").fill("secretOfTheShop")
    await page.get_by_text("Try it with a sandbox first").click()
    await page.get_by_role("textbox", name="Base URL").fill("http://127.0.0.1:1234")
    await page.get_by_label("API Key").press("Enter")  # which saves
    await expect(page.get_by_role("alert")).to_contain_text("there is a destination trustpilot already")
    await expect(page.get_by_text("Type it again")).to_be_visible()
    forgiven(console, 409)
    await page.get_by_label("Name").fill("second")
    await page.get_by_label("API Key").fill("secretOfTheShop")
    await page.get_by_text("Channel: integration key").click()
    await page.get_by_label("How invitations reach Trustpilot").select_option("partner")
    await page.get_by_role("button", name="Use this channel").click()
    await expect(page.get_by_text("Channel: partner")).to_be_visible()
    await expect(page.get_by_label("Name")).to_have_value("second")
    await expect(page.get_by_label("Base URL")).to_have_value("http://127.0.0.1:1234")
    assert "secretOfTheShop" not in await page.content()
    await console.sound("start-3-again")


async def test_who_has_to_sign_in_anew_comes_back_to_the_page(console: Console) -> None:
    page = await console.open("/audiences/new")
    await expect(page.locator("#estimate")).to_contain_text("no profiles yet")
    cookie = next(each for each in await page.context.cookies() if each.get("name") == "plaudit_session")
    await console.plaudit.store.access.end_session(hashed(cookie["value"]))
    await page.get_by_label("Condition 1: times").fill("2")
    await page.get_by_label("Condition 1: times").press("Tab")
    await expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    await page.fill("[name=name]", "admin")
    await page.fill("[name=password]", PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(f"{console.url}/audiences/new")
