"""docs/sandbox.md names what the channels have: routes, faults with their channels, counts, fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from plaudit.sandbox import faults
from plaudit.sandbox.invitations_api.channel import TOKEN_PATH
from plaudit.sandbox.invitations_api.tokens import TOKENS_A_MINUTE
from plaudit.sandbox.partner.channel import PATH
from plaudit.sandbox.recorder import Stats, Wishes

from .client import UNIT, Client

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
WORDS = {
    ("integration_key",): "Integration Key",
    ("invitations_api",): "Invitations API",
    ("partner",): "partner",
    ("afs",): "mail",
    faults.HTTP: "all but mail",
    faults.CHANNELS: "all",
}


def test_every_route_of_every_channel() -> None:
    assert f"`POST {TOKEN_PATH}`" in TEXT and f"`POST {PATH}`" in TEXT
    for what, (method, _) in Client().app._api._endpoints.items():
        assert f"`{method} /v1/private/business-units/ID/{what}`" in TEXT
    assert f"The {TOKENS_A_MINUTE + 1}st within a minute" in TEXT
    assert UNIT not in TEXT


@pytest.mark.parametrize("name", faults.KINDS)
def test_every_fault_with_its_channels(name: str) -> None:
    [row] = [
        line for line in TEXT.splitlines() if line.startswith("| `") and f"`{name}`" in line.split("|")[1]
    ]
    assert row.split("|")[-2].strip() == WORDS[faults.KINDS[name].channels]


@pytest.mark.parametrize("field", [*Stats.__struct_fields__, *Wishes.__struct_fields__])
def test_every_count_and_field(field: str) -> None:
    assert f"`{field}`" in TEXT
