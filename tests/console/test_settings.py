"""Settings: people and roles, tokens, the configuration as a file, the audit log, one's own password."""

from __future__ import annotations

from playwright.async_api import expect

from plaudit.store.access import Role

from .conftest import PASSWORD, Console


async def test_people_come_change_and_go(console: Console) -> None:
    page = await console.open("/settings")
    await expect(page.get_by_text("admin (you)")).to_be_visible()
    await console.sound("settings-people")
    await page.get_by_role("button", name="Add a person").click()
    await page.get_by_label("Name").fill("bo@shop.example")
    await page.get_by_role("dialog").get_by_label("Password").fill(PASSWORD)
    await console.sound("settings-people-add")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_role("cell", name="bo@shop.example", exact=True)).to_be_visible()
    await page.get_by_label("Role of bo@shop.example").select_option("operator")
    async with page.expect_navigation():
        await page.get_by_role("button", name="Change the role of bo@shop.example").click()
    roles = {each.name: each.role for each in await console.plaudit.store.access.people()}
    assert roles == {"admin": Role.ADMIN, "bo@shop.example": Role.OPERATOR}
    await page.get_by_label("Role of admin").select_option("viewer")
    async with page.expect_navigation():
        await page.get_by_role("button", name="Change the role of admin").click()
    await expect(page.get_by_role("alert")).to_have_text(
        "an admin must be left: make somebody else one first"
    )
    assert [each for each in console.complaints if "409" not in each] == []
    console.complaints.clear()
    await page.get_by_role("button", name="Remove… bo@shop.example").click()
    await page.get_by_role("button", name="Remove it").click()
    await expect(page.get_by_role("cell", name="bo@shop.example", exact=True)).not_to_be_visible()


async def test_a_token_is_shown_once(console: Console) -> None:
    page = await console.open("/settings/tokens")
    await console.sound("settings-tokens-empty")
    await page.get_by_role("button", name="Make a token").click()
    await page.get_by_label("Program").fill("backup")
    await page.get_by_role("button", name="Make it").click()
    await expect(page.locator("#token")).to_contain_text("plaudit_")
    await console.sound("settings-tokens")
    await console.open("/settings/tokens")
    await expect(page.locator("#token")).to_have_count(0)
    await page.get_by_role("button", name="Remove… backup").click()
    await page.get_by_role("button", name="Remove it").click()
    await expect(page.get_by_text("No token yet")).to_be_visible()


async def test_the_configuration_is_read_checked_and_put_in_place(console: Console) -> None:
    page = await console.open("/settings/configuration")
    text = page.get_by_label("Configuration, as TOML")
    before = await text.input_value()
    assert "testIntegrationKey" not in before
    await text.fill(before + "\n[sources.till]\nwrite_kex = 1\n")
    await page.get_by_role("button", name="Check it").click()
    await expect(page.get_by_role("alert")).to_contain_text("write_kex")
    assert [each for each in console.complaints if "422" not in each] == []
    console.complaints.clear()
    await console.sound("settings-configuration-wrong")
    await text.fill(before + "\n[sources.till]\n")
    await page.get_by_role("button", name="Check it").click()
    await expect(page.get_by_text("connected to no destination")).to_be_visible()
    await console.sound("settings-configuration")
    await page.get_by_role("button", name="Put it in place").click()
    await expect(page.get_by_text("It is in place.")).to_be_visible()
    there = await console.plaudit.store.configuration()
    assert {source.name for source in there.sources} == {"shop", "till"}
    assert there.destinations[0].settings["api_key"] == "testIntegrationKey"
    async with page.expect_download() as downloaded:
        await page.get_by_role("button", name="Download with secrets").click()
        await page.get_by_role("button", name="Download", exact=True).click()
    path = await (await downloaded.value).path()
    assert "testIntegrationKey" in path.read_text()

    await console.open("/settings/audit")
    await expect(page.get_by_role("cell", name="export secrets")).to_be_visible()
    await console.sound("settings-audit")
    await page.get_by_role("link", name="apply").click()
    await expect(page.get_by_role("row")).to_have_count(2)


async def test_a_viewer_sees_and_changes_nothing_but_their_password(console: Console) -> None:
    page = console.page
    await page.get_by_role("button", name="Sign out").click()
    await console.sign_in(Role.VIEWER)
    await console.open("/connections")
    await expect(page.get_by_role("button", name="Add a source")).to_have_count(0)
    await console.open("/start")
    await console.sound("start-viewer")
    await console.open("/settings/people")
    await expect(page.get_by_role("alert")).to_have_text(
        "This takes the role admin; you are viewer: ask an admin"
    )
    console.complaints.clear()
    await console.open("/settings")
    await console.sound("settings-account")
    await page.get_by_label("Your password now").fill(PASSWORD)
    await page.get_by_label("The new one").fill("another good password")
    await page.get_by_role("button", name="Change it").click()
    await expect(page).to_have_url(f"{console.url}/sign-in")
