"""Pages and dialogs that are seldom seen are as sound as the others."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from plaudit.errors import UnavailableError
from plaudit.store.access import Role

from .conftest import Console


async def test_no_connection_yet(bare: Console) -> None:
    await bare.sign_in()
    page = await bare.open("/connections")
    await expect(page.get_by_role("heading", name="No source yet")).to_be_visible()
    await expect(page.get_by_role("heading", name="No destination yet")).to_be_visible()
    await bare.sound("connections-empty")


async def test_dialogs_that_ask_first(console: Console) -> None:
    await console.plaudit.store.access.add_person("bo", Role.VIEWER, "", 1)
    await console.plaudit.store.access.add_token("backup", Role.VIEWER, b"h" * 32, 1)
    for path, button, name in (
        ("/settings/people", "Remove… bo", "person-remove"),
        ("/settings/people", "New password for bo", "person-password"),
        ("/settings/tokens", "Make a token", "token-make"),
        ("/settings/tokens", "Remove… backup", "token-remove"),
        ("/settings/configuration", "Download with secrets", "configuration-secrets"),
        ("/sources/shop", "Remove…", "source-remove"),
    ):
        page = await console.open(path)
        await page.get_by_role("button", name=button).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await console.sound(f"dialog-{name}")


async def test_a_page_that_is_not_for_this_role(console: Console) -> None:
    await console.page.get_by_role("button", name="Sign out").click()
    await console.sign_in(Role.VIEWER)
    page = await console.open("/settings/tokens")
    await expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    console.complaints.clear()  # the browser's own word on the status
    await console.sound("problem-403")


@pytest.mark.parametrize(
    ("error", "head"),
    [
        (UnavailableError("the store cannot be reached", 7), "Not now"),
        (RuntimeError("what nobody has thought of"), "Something is wrong here"),
    ],
)
async def test_a_page_of_trouble(
    console: Console, monkeypatch: pytest.MonkeyPatch, error: Exception, head: str
) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(console.plaudit.store, "configuration", away)
    page = await console.open("/connections")
    await expect(page.get_by_role("heading", name=head)).to_be_visible()
    assert "nobody has thought of" not in await page.content()
    console.complaints.clear()
    await console.sound(f"problem-{head.split(maxsplit=1)[0].lower()}")
