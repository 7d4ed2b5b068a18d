"""Decisions and their undoing by the API."""

from __future__ import annotations

from manage.conftest import FixedClock
from manage.test_api import LEASE, Api, api, fill
from plaudit.manage.context import Context
from plaudit.store.access import Role

__all__ = ["api"]  # the fixture of the other operations

DECIDE = "/api/invitations/decide"


async def test_a_decision_is_undone_once_and_recorded(api: Api, context: Context, clock: FixedClock) -> None:
    await fill(context)
    before = await context.store.invitations()
    everything = {"action": "retry", "all": True}
    _, counted = await api("POST", DECIDE, everything | {"dry_run": True}, role=Role.OPERATOR)
    assert counted["decision"] is None
    _, done = await api("POST", DECIDE, everything, role=Role.OPERATOR)
    assert done["done"] == 2 and done["decision"]

    undo, at = f"/api/decisions/{done['decision']}/undo", clock.now()
    clock.time += 60_000
    _, dry = await api("POST", undo, {"dry_run": True}, role=Role.OPERATOR)
    assert (dry["done"], dry["states"], dry["dry_run"]) == (2, {"refused": 1, "failed": 1}, True)
    assert (await context.store.invitations(state="queued"))[0].updated_at == at
    status, undone = await api("POST", undo, role=Role.OPERATOR, idempotency_key="k1")
    assert (status, undone) == (200, dry | {"dry_run": False})
    assert (undone["action"], undone["left"], undone["stayed"], undone["ids"]) == (
        "retry",
        0,
        [],
        done["ids"],
    )
    assert {i.id: (i.state, i.message, i.due_at) for i in await context.store.invitations()} == {
        i.id: (i.state, i.message, i.due_at) for i in before
    }
    again = await api.ask("POST", undo, role=Role.OPERATOR, idempotency_key="k1")
    assert (again.status, again.header("idempotency-replayed")) == (200, "true")
    status, problem = await api("POST", undo, role=Role.OPERATOR)
    assert (status, problem["code"]) == (409, "wrong_state") and "is undone already" in problem["detail"]
    _, audit = await api("GET", "/api/audit")
    assert [(e["id"], e["action"], e["about"], e["detail"]) for e in audit["data"]] == [
        (audit["data"][0]["id"], "undo", f"decision {done['decision']}", "retry, 2 invitations"),
        (done["decision"], "retry", "invitations all", "2 matched, at most 2 at once"),
    ]


async def test_some_are_decided_by_their_ids_as_one_decision_that_is_read_again(
    api: Api, context: Context
) -> None:
    await fill(context)
    states = {each.id: each.state for each in await context.store.invitations()}
    failed, refused = (
        next(id_ for id_, each in states.items() if each == state) for state in ("failed", "refused")
    )
    uncertain = next(id_ for id_, each in states.items() if each == "uncertain")
    asked = {"action": "cancel", "ids": [failed, refused, uncertain, failed]}
    _, counted = await api("POST", DECIDE, asked | {"dry_run": True}, role=Role.OPERATOR)
    assert (counted["matched"], counted["done"]) == ({"failed": 1, "refused": 1}, 0)
    _, done = await api("POST", DECIDE, asked, role=Role.OPERATOR)
    assert sorted(done["ids"]) == sorted([failed, refused])
    assert (await context.store.invitation(uncertain)).state == "uncertain"  # type: ignore[union-attr]

    at = f"/api/decisions/{done['decision']}"
    _, kept = await api("GET", at, role=Role.OPERATOR)
    assert (kept["action"], kept["deliveries"], kept["undone"]) == ("cancel", 2, 0)
    assert kept["would"]["states"] == {"failed": 1, "refused": 1}
    await api("POST", f"{at}/undo")
    assert (await api("GET", at))[1]["would"] is None
    assert (await api("GET", "/api/decisions/4711"))[0] == 404
    assert (await api("POST", DECIDE, asked | {"ids": []}))[0] == 400


async def test_what_stays_says_why(api: Api, context: Context, clock: FixedClock) -> None:
    await fill(context)
    _, done = await api("POST", DECIDE, {"action": "cancel", "all": True})
    refused, failed, *_ = done["ids"]
    await context.store.forget("customer1@example.com", clock.now())
    undo = f"/api/decisions/{done['decision']}/undo"
    _, undone = await api("POST", undo)
    assert (undone["done"], undone["left"]) == (3, 1)
    said = "its customer was forgotten"
    assert undone["stayed"] == [{"reason": "forgotten", "message": said, "number": 1}]
    _, rest = await api("POST", undo)
    assert (rest["done"], rest["ids"], rest["left"]) == (0, [], 1)

    _, done = await api("POST", DECIDE, {"action": "retry", "id": failed})
    await context.store.turn(1, [], 9, "me", clock.now(), LEASE)
    _, undone = await api("POST", f"/api/decisions/{done['decision']}/undo")
    assert [each["reason"] for each in undone["stayed"]] == ["tried"]
    _, story = await api("GET", f"/api/invitations/{failed}", role=Role.VIEWER)
    assert [(d["action"], d["was"], d["undone_at"] is None, d["undoable"]) for d in story["decisions"]] == [
        ("cancel", "failed", False, False),
        ("retry", "failed", True, False),
    ]
    assert (await api("GET", f"/api/invitations/{refused}"))[1]["decisions"][0]["undoable"] is False


async def test_one_of_many(api: Api, context: Context) -> None:
    await fill(context)
    _, done = await api("POST", DECIDE, {"action": "retry", "all": True})
    one, other = done["ids"]
    undo = f"/api/decisions/{done['decision']}/undo"
    _, undone = await api("POST", undo, {"invitation": one})
    assert (undone["done"], undone["ids"]) == (1, [one])
    for invitation, status, code in ((one, 409, "wrong_state"), (1, 404, "not_found")):
        assert (await api("POST", undo, {"invitation": invitation}))[0] == status, code
    _, undone = await api("POST", undo)
    assert undone["ids"] == [other]


async def test_what_is_no_decision_cannot_be_undone(api: Api, context: Context) -> None:
    await fill(context)
    await api("POST", DECIDE, {"action": "cancel", "email": "customer0@example.com"})
    _, audit = await api("GET", "/api/audit")
    assert audit["data"] == []
    await api("POST", "/api/invitations/1/reveal")
    for id_ in (1, 99):
        status, problem = await api("POST", f"/api/decisions/{id_}/undo")
        assert (status, problem["code"]) == (404, "not_found")
