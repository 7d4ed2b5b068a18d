"""Audiences and profiles by the API."""

from __future__ import annotations

from manage.test_api import Api, api
from plaudit.engage.identifiers import Identifier
from plaudit.engage.sighting import Sighting
from plaudit.manage.context import Context
from plaudit.manage.defining import named
from plaudit.process.profiles import definitions_of
from plaudit.store.access import Role

__all__ = ["api"]  # the fixture of the other operations

RECENT = {
    "kind": "audience",
    "title": "ordered lately",
    "query": "event('Order Completed').within(30 days).count() >= 1",
}


async def filled(context: Context, *more: Sighting) -> None:
    """Three people, two of whom ordered."""
    now = context.clock.now()
    definitions = definitions_of(await context.store.configuration(), context.kinds)
    seen = [
        Sighting(n, 1, now, (Identifier("user_id", f"u{n}"), Identifier("email", f"c{n}@example.com")), name)
        for n, name in enumerate(("Order Completed", "Order Completed", "Cart Viewed"), 1)
    ]
    await context.store.profiles.take(0, 0, 1, [*seen, *more], definitions, now)
    while todo := await context.store.profiles.todo(definitions, now):
        for definition_id, to in todo:
            if to is None:
                await context.store.profiles.backfill(definition_id, definitions, now, 10)
            else:
                await context.store.profiles.sync((definition_id, to), definitions, now, 10)


async def test_an_audience_from_its_making_to_its_end(api: Api, context: Context) -> None:
    status, made = await api("PUT", "/api/audiences/recent", RECENT)
    assert (status, made["key"], made["state"]) == (200, "ordered_lately", "Backfilling")
    await filled(context)
    _, listed = await api("GET", "/api/audiences", role=Role.VIEWER)
    assert [(each["name"], each["size"], each["state"]) for each in listed["data"]] == [("recent", 2, "Live")]
    _, page = await api("GET", "/api/audiences/recent/members?limit=1", role=Role.VIEWER)
    assert page["next"] == "1" and "c1@example.com" not in str(page)
    _, rest = await api("GET", f"/api/audiences/recent/members?cursor={page['next']}", role=Role.VIEWER)
    assert ([each["profile"] for each in rest["data"]], rest["next"]) == ([2], None)
    _, why = await api("POST", "/api/audiences/recent/explain", {"who": "c3@example.com"}, role=Role.OPERATOR)
    assert (why["value"], why["reason"]["holds"], why["reason"]["counted"]) == (False, False, 0)
    status, refused = await api("POST", "/api/audiences/recent/leave", {})
    assert status == 400 and "enabled = false" in refused["detail"]
    status, _ = await api("DELETE", "/api/audiences/recent")
    assert status == 204
    assert (await api("GET", "/api/audiences/recent"))[0] == 404


async def test_a_name_may_be_anothers_key_and_stands_for_its_own(api: Api, context: Context) -> None:
    for name, title in (("gold", "Silver"), ("silver", "Bronze")):
        status, made = await api("PUT", f"/api/audiences/{name}", RECENT | {"title": title})
        assert (status, made["name"], made["key"]) == (200, name, title.lower())
    assert (await api("DELETE", "/api/audiences/silver"))[0] == 204
    _, left = await api("GET", "/api/audiences")
    assert [each["name"] for each in left["data"]] == ["gold"]
    _, by_key = await api("GET", "/api/audiences/silver")
    assert by_key["name"] == "gold"
    trait = {"kind": "trait", "title": "x", "query": "event('Order Completed').count()"}
    for name, why in (("gold", "there is [audiences.gold] too"), ("new", "take another name")):
        status, problem = await api("PUT", f"/api/audiences/{name}", trait)
        assert status == 422 and why in str(problem["errors"])
    assert [named(title) for title in ("New", "Gold!", "…")] == ["new_1", "gold", "audience"]


async def test_that_all_left_is_recorded_when_somebody_was_told(api: Api, context: Context) -> None:
    await api("PUT", "/api/audiences/recent", RECENT | {"enabled": False})
    assert (await api("POST", "/api/audiences/recent/leave", {}))[1]["told"] == {}
    assert await context.store.access.audit(action="leave") == []


async def test_a_query_is_tried_and_its_fault_pointed_at(api: Api, context: Context) -> None:
    await filled(context)
    query = "event('Order Completed').count() >= 1"
    status, found = await api("POST", "/api/audiences/preview", {"query": query}, role=Role.ADMIN)
    assert (status, found["matched"], found["looked_at"], found["exact"]) == (200, 2, 3, True)
    status, problem = await api("POST", "/api/audiences/preview", {"query": "event('x'"}, role=Role.ADMIN)
    assert status == 400 and "line 1, column 10" in problem["detail"]


async def test_what_a_query_reads_of_a_person_is_masked(api: Api, context: Context) -> None:
    query = "event('Order Completed').last(property('email'))"
    await api("PUT", "/api/audiences/mail", {"kind": "trait", "title": "mail", "query": query})
    who = (Identifier("user_id", "u1"),)
    said = b'{"email":"c1@example.com"}'
    event = Sighting(4, 1, context.clock.now(), who, "Order Completed", properties=said)
    await filled(context, event)
    _, page = await api("GET", "/api/audiences/mail/members", role=Role.VIEWER)
    assert [each["value"] for each in page["data"]] == ["c…@example.com"]
    _, why = await api("POST", "/api/audiences/mail/explain", {"who": "u1"}, role=Role.OPERATOR)
    assert why["value"] == "c…@example.com" and "c1@" not in str(why)
    _, known = await api("GET", "/api/profiles/1", role=Role.VIEWER)
    assert known["values"][0]["value"] == "c…@example.com" and "c1@" not in str(known)
    assert ["email", "c…@example.com"] in known["identifiers"]
    assert (await api("GET", "/api/profiles/99", role=Role.VIEWER))[0] == 404
    _, tried = await api("POST", "/api/audiences/preview", {"query": query, "kind": "trait"})
    assert tried["top"] == [["c…@example.com", 1]]
    assert (await api("POST", "/api/audiences/preview", {"query": query}, role=Role.OPERATOR))[0] == 403


async def test_looking_a_person_up_is_recorded(api: Api, context: Context) -> None:
    await filled(context)
    status, found = await api("POST", "/api/profiles/find", {"who": "C1@Example.com"}, role=Role.OPERATOR)
    assert (status, found["id"], found["events"]) == (200, 1, 1)
    _, audit = await api("GET", "/api/audit")
    assert (audit["data"][0]["action"], audit["data"][0]["about"]) == ("reveal", "profile 1")
    assert (await api("POST", "/api/profiles/find", {"who": "nobody"}, role=Role.OPERATOR))[0] == 400
