"""What is vendored is what its manifest says, and all that a page loads is small and ours."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from plaudit.console.views import HERE, STATIC
from support import http

from .conftest import Console

MANIFEST = json.loads((STATIC / "vendor/manifest.json").read_text())


def test_the_manifest_names_every_vendored_file() -> None:
    named = {each["file"] for each in MANIFEST} | {each["licence_file"] for each in MANIFEST}
    assert {path.name for path in (STATIC / "vendor").iterdir()} == named | {"manifest.json"}


@pytest.mark.parametrize("each", MANIFEST, ids=lambda each: each["file"])
def test_a_vendored_file_is_as_it_was_published(each: dict[str, str]) -> None:
    assert sha256((STATIC / "vendor" / each["file"]).read_bytes()).hexdigest() == each["sha256"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", each["version"]) and each["licence"]


@pytest.mark.parametrize("path", sorted(HERE.rglob("templates/**/*.html")), ids=lambda path: path.name)
def test_no_script_or_style_stands_in_a_page(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|hx-on|javascript:", text)


PAGES = (
    *("/", "/events", "/connections", "/catalog", "/start", "/sources/shop", "/settings/people"),
    *("/settings/tokens", "/settings/configuration", "/settings/audit", "/settings/account"),
)


async def test_each_page_is_small_with_all_that_it_loads(console: Console) -> None:
    cookie = "; ".join(
        f"{each['name']}={each['value']}" for each in await console.page.context.cookies() if "name" in each
    )
    for path in PAGES:
        got = await asyncio.to_thread(http, f"{console.url}{path}", headers={"cookie": cookie})
        assert got.status == 200, path
        size, page = len(got.body), got.body.decode()
        for file in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
            there = await asyncio.to_thread(http, f"{console.url}{file}", headers={"accept-encoding": "gzip"})
            assert there.status == 200 and "immutable" in there.headers["cache-control"], file
            assert gzip.decompress(there.body) if "content-encoding" in there.headers else there.body
            size += len(there.body)
        assert size < 100_000, (path, size)
