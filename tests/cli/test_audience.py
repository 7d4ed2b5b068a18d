"""`plaudit audience …` and `plaudit profile`, on an installation with people in it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cli.run import plaudit
from plaudit.clock import SystemClock
from plaudit.destinations.catalog import destinations
from plaudit.engage.identifiers import Identifier
from plaudit.engage.sighting import Sighting
from plaudit.installation import open_store
from plaudit.process.profiles import definitions_of

DAY = 86_400_000
FILE = """
[sources.shop]
[destinations.partner]
type = "trustpilot"
sources = ["shop"]
settings = { channel = "partner", api_key = "partnerKey", base_url = "http://127.0.0.1:9/x", allow_private = true }
[destinations.plain]
type = "trustpilot"
settings = { api_key = "plainKey1234", base_url = "http://127.0.0.1:9", allow_private = true }
[destinations.tagged]
type = "trustpilot"
sources = ["shop"]
[destinations.tagged.settings]
channel = "invitations_api"
client_id = "id"
base_url = "http://127.0.0.1:9"
allow_private = true
client_secret = "secret"
business_unit_id = "507f191e810c19729de860ea"
business_user_id = "5f0c3ad1f3a2b10001a2b3c4"
tags = ["audience:recent", "audience:patrons", "trait:city"]
[audiences.recent]
name = "order completed last 30days"
query = "event('Order Completed').within(30 days).count() >= 1"
destinations = ["partner", "plain"]
[audiences.patrons]
query = "trait('spent') >= 50 AND NOT trait('vip') = true"
[traits.spent]
query = "event('Order Completed').sum(property('total'))"
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people: six ordered lately, and person N spent 10 times N."""
    folder = tmp_path_factory.mktemp("audience")
    (folder / "plaudit.toml").write_text(FILE)
    ran = plaudit("apply", folder / "plaudit.toml", "--data", folder / "data")
    assert "audience recent, key order_completed_last_30days" in ran.out
    now = SystemClock().now()

    async def main() -> None:
        store = open_store(folder / "data")
        definitions = definitions_of(await store.configuration(), destinations())
        seen = [
            Sighting(
                n,
                1,
                now - (5 if n % 2 else 50) * DAY,
                (Identifier("user_id", f"u{n}"), Identifier("email", f"c{n}@example.com")),
                "Order Completed",
                b'{"total":%d}' % (10 * n),
                traits={"city": "Odense"} if n == 3 else {},
            )
            for n in range(1, 13)
        ]
        await store.profiles.take(0, 0, 1, seen, definitions, now)
        while todo := await store.profiles.todo(definitions, now):
            for definition_id, to in todo:
                if to is None:
                    await store.profiles.backfill(definition_id, definitions, now, 5)
                else:
                    await store.profiles.sync((definition_id, to), definitions, now, 5)
        await store.close()

    asyncio.run(main())
    return folder / "data"


def test_list(data: Path) -> None:
    ran = plaudit("audience", "list", "--data", data)
    assert ran.code == 0
    assert "partner: live, 6 told" in ran.out and "plain: kept here: its channel has no call" in ran.out
    found = {each["name"]: each for each in plaudit("audience", "list", "--json", "--data", data).objects}
    assert found.keys() == {"recent", "patrons", "spent"}
    assert (found["recent"]["size"], found["recent"]["state"]) == (6, "Live")
    assert found["recent"]["syncs"][0]["added"] == 6
    assert found["patrons"]["size"] == 8


def test_preview_is_exact_in_the_end(data: Path) -> None:
    query = "event('Order Completed').where(property('total') > 95).count() >= 1"
    assert plaudit("audience", "preview", query, "--data", data).out == "3 of 12 profiles match (25.0%)\n"
    *_, last = plaudit("audience", "preview", "-", "--json", "--data", data, stdin=query).objects
    assert (last["matched"], last["looked_at"], last["margin"], last["exact"]) == (3, 12, 0, True)
    trait = plaudit("audience", "preview", "--trait", "event('Order Completed').count()", "--data", data)
    assert "12 of 12 profiles have a value" in trait.out and "how many" in trait.out


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("event('x'", "line 1, column 10"),
        ("event('x').count()", "an audience must end in true or false"),
        ("ANY event('x').count() > 1", "all users of an account"),
        ("", "the query is empty"),
    ],
)
def test_a_query_that_cannot_be_read_is_pointed_at(data: Path, query: str, said: str) -> None:
    ran = plaudit("audience", "preview", query, "--data", data)
    assert ran.code == 1 and said in ran.err and len(ran.err.splitlines()) == 1


def test_explain(data: Path) -> None:
    ran = plaudit("audience", "explain", "patrons", "c7@example.com", "--data", data)
    assert "patrons of profile #7: true" in ran.out
    assert "yes trait('spent') >= 50  is 70" in ran.out
    assert "no  trait('vip') = true  is not there" in ran.out
    (found,) = plaudit("audience", "explain", "recent", "u7", "--json", "--data", data).objects
    assert found["value"] is True and found["reason"]["counted"] == 1
    assert found["until"] == found["reason"]["events"][0] + 30 * DAY
    (out,) = plaudit("audience", "explain", "recent", "u8", "--json", "--data", data).objects
    assert (out["value"], out["reason"]["holds"]) == (False, False)


def test_members(data: Path) -> None:
    ran = plaudit("audience", "members", "recent", "--limit", "2", "--data", data)
    assert "#1" in ran.out and "c3@example.com" in ran.out and "c5@example.com" not in ran.out
    rest = plaudit("audience", "members", "recent", "--after", "3", "--limit", "0", "--json", "--data", data)
    assert [each["profile"] for each in rest.objects] == [5, 7, 9, 11]
    assert (
        "nobody after that profile"
        in plaudit("audience", "members", "recent", "--after", "99", "--data", data).out
    )


def test_profile(data: Path) -> None:
    for who in ("u3", "c3@example.com", "C3@Example.com", "email:c3@example.com", "#3"):
        (found,) = plaudit("profile", who, "--json", "--data", data).objects
        assert (found["profile"], found["traits"], found["events"]) == (3, {"city": "Odense"}, 1)
    ran = plaudit("profile", "u3", "--data", data)
    assert (
        "order_completed_last_30days" in ran.out
        and "partner was told true" in ran.out
        and "#3: 1 event, first" in ran.out
    )
    ran = plaudit("profile", "nobody", "--data", data)
    assert ran.code == 1 and "nobody is known by that: give an e-mail address" in ran.err


def test_check_shows_the_tags_of_the_customer(data: Path, tmp_path: Path) -> None:
    def order(number: int) -> str:
        said = {"order_id": "x1", "email": f"C{number}@example.com"}
        return json.dumps(
            {"type": "track", "event": "Order Completed", "anonymousId": "a", "properties": said}
        )

    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(order(number) for number in (3, 7, 99)))
    found = plaudit("check", file, "--json", "--data", data).objects
    bodies = [each["requests"][0]["body"] for each in found if each["destination"] == "tagged"]
    assert [each["serviceReviewInvitation"].get("tags") for each in bodies] == [
        ["recent", "city-Odense"],
        ["recent", "patrons"],
        None,
    ]


def test_doctor_says_how_they_are(data: Path) -> None:
    ran = plaudit("doctor", "--json", "--data", data, "--url", "http://127.0.0.1:9")
    said = {(each["check"], each["result"], each["message"]) for each in ran.objects}
    assert ("audience", "ok", "recent: Live, 6 in it") in said
    assert ("trait", "ok", "spent: Live, 12 in it") in said


def test_who_is_not_there_is_told_with_what_is(data: Path) -> None:
    ran = plaudit("audience", "explain", "recnt", "u1", "--data", data)
    assert (
        ran.code == 1 and "no audience or trait is called 'recnt'; there is patrons, recent, spent" in ran.err
    )


def test_leave_wants_it_disabled_and_asks(data: Path, tmp_path: Path) -> None:
    ran = plaudit("audience", "leave", "recent", "--yes", "--data", data)
    assert ran.code == 2 and "set enabled = false" in ran.err
    file = tmp_path / "off.toml"
    file.write_text(FILE.replace("[audiences.recent]", "[audiences.recent]\nenabled = false"))
    assert plaudit("apply", file, "--data", data).code == 0
    ran = plaudit("audience", "leave", "recent", "--dry-run", "--data", data)
    assert ran.out == "partner believes that 6 are members\n"
    assert plaudit("audience", "leave", "recent", "--data", data).code == 1  # nobody can be asked
    ran = plaudit("audience", "leave", "recent", "--yes", "--json", "--data", data)
    assert json.loads(ran.out) == {"dry_run": False, "told": {"partner": 6}}
    (listed,) = [
        e for e in plaudit("audience", "list", "--json", "--data", data).objects if e["name"] == "recent"
    ]
    assert listed["state"] == "Disabled" and listed["syncs"][0]["state"] == "telling that all have left"
