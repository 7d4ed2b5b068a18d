"""What the page says of audiences, in its own order: everyone at first, then only changes, and a window that lapses."""

from __future__ import annotations

from .conftest import RECENT, Shop

DAY = 86_400_000
KEY = "order_completed_last_30days"


async def test_the_pages_own_story(shop: Shop) -> None:
    await shop.apply(RECENT)
    await shop.order("1", "ann@example.com", "ann")
    (first,) = await shop.heard(1)
    assert first["user_id"] == "ann"
    assert first["traits"] == {KEY: True, "email": "ann@example.com"}
    await shop.order("2", "ann@example.com", "ann")
    await shop.heard(1)  # she is in already
    shop.clock.ahead += 30 * DAY - 60_000
    await shop.settled()
    await shop.heard(1)
    shop.clock.ahead += 61_000
    _, left = await shop.heard(2)
    assert left["traits"] == {KEY: False, "email": "ann@example.com"}
    await shop.order("3", "ann@example.com", "ann")
    *_, back = await shop.heard(3)
    assert back["traits"][KEY] is True


async def test_everyone_at_first_then_only_changes(shop: Shop) -> None:
    for number in range(25):
        await shop.order(str(number), f"c{number}@example.com", f"c{number}")
    await shop.order("old", "old@example.com", "old", timestamp="2020-01-01T00:00:00Z")
    await shop.settled()
    await shop.apply(RECENT)
    found = await shop.heard(25)
    assert {call["user_id"] for call in found} == {f"c{number}" for number in range(25)}
    await shop.order("again", "c3@example.com", "c3")
    await shop.order("new", "new@example.com", "new")
    found = await shop.heard(26)
    assert found[-1]["user_id"] == "new"


async def test_who_is_new_is_in_an_audience_of_those_who_did_not(shop: Shop) -> None:
    await shop.apply(
        "[audiences.never]\nquery = \"NOT event('Order Completed').count() >= 1\"\n"
        'destinations = ["trustpilot"]\nsend = "track"\n'
    )
    await shop.send("track", event="Cart Viewed", userId="ann")
    (entered,) = await shop.heard(1, key="never")
    assert (entered["event"], entered["properties"]) == (
        "Audience Entered",
        {"audience_key": "never", "never": True},
    )
    await shop.order("1", "ann@example.com", "ann")
    _, left = await shop.heard(2, key="never")
    assert (left["event"], left["properties"]["never"]) == ("Audience Exited", False)


async def test_one_person_by_two_names_is_told_of_once(shop: Shop) -> None:
    await shop.apply(RECENT)
    await shop.send("track", event="Order Completed", anonymousId="guest", properties={"order_id": "1"})
    await shop.settled()
    await shop.heard(0)  # nobody could be named
    await shop.send("identify", userId="ann", anonymousId="guest", traits={"email": "ann@example.com"})
    (named,) = await shop.heard(1)
    assert (named["user_id"], named["traits"]) == ("ann", {KEY: True, "email": "ann@example.com"})
    await shop.order("2", "ann@example.com", "ann")
    await shop.heard(1)


async def test_who_leaves_an_audience_that_is_switched_off_is_told_so(shop: Shop) -> None:
    await shop.apply(RECENT)
    for number in range(3):
        await shop.order(str(number), f"c{number}@example.com", f"c{number}")
    await shop.heard(3)
    await shop.apply(RECENT + "enabled = false\n")
    (definition,) = (await shop.plaudit.store.configuration()).definitions
    await shop.order("4", "c4@example.com", "c4")
    await shop.heard(3)  # nobody else is told
    await shop.plaudit.store.profiles.leave(definition.id, shop.clock.now())
    calls = await shop.heard(6)
    assert [call["traits"][KEY] for call in calls[3:]] == [False] * 3
    await shop.apply(
        RECENT
    )  # and switched on again, everybody is told of again, and the one who came meanwhile
    calls = await shop.heard(10)
    assert {call["user_id"] for call in calls[6:]} == {"c0", "c1", "c2", "c4"}


async def test_in_batches_differences_are_told_every_so_often(shop: Shop) -> None:
    await shop.apply(RECENT + 'schedule = "3 hours"\n')
    await shop.settled()  # the first batch, of nobody, is over
    await shop.order("1", "ann@example.com", "ann")
    await shop.heard(0)
    shop.clock.ahead += 3 * 3_600_000
    (first,) = await shop.heard(1)
    assert first["traits"][KEY] is True
    await shop.order("2", "ben@example.com", "ben")
    await shop.heard(1)
    shop.clock.ahead += 3 * 3_600_000
    await shop.heard(2)
