"""Deciding about invitations in the console: what it would do, counted, then what it did."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.invitations import CONDITIONS, address
from plaudit.console.views import render
from plaudit.manage import deciding
from plaudit.manage.context import Context, context
from plaudit.manage.deciding import Decide
from plaudit.manage.forms import Form, form
from plaudit.manage.given import read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError
from plaudit.store.access import Who
from plaudit.store.decisions import DECISIONS, Decided

# What a person reads: on the button, as the question, and of what follows.
WORDS: dict[str, tuple[str, str, str]] = {
    Decided.RETRY: (
        "Retry",
        "Retry {}?",
        "They are queued, and sent as soon as their destination takes them.",
    ),
    Decided.CANCEL: ("Cancel", "Cancel {}?", "They are not sent. Their orders get no other invitation."),
    Decided.SENT: (
        "It arrived",
        "Did {} arrive?",
        "They count as accepted: somebody looked them up at the vendor.",
    ),
    Decided.NOT_SENT: (
        "Send again",
        "Send {} again?",
        "Somebody looked them up: they had not arrived. They are sent again.",
    ),
    Decided.DROP: (
        "Drop",
        "Drop {}?",
        "Somebody looked them up: they had not arrived. They are not sent again.",
    ),
}


def possible(state: str) -> list[tuple[str, str]]:
    """(decision, its word) for an invitation in a state."""
    return [(each.value, WORDS[each][0]) for each, (states, _) in DECISIONS.items() if state in states]


async def _decide(request: Request) -> Response:
    """Asks first; with `sure` it is done."""
    given = await form(request)
    try:
        action = Decided(given.get("action", ""))
    except ValueError:
        raise ProblemError(400, "bad_request", "choose what shall be done with them") from None
    its, who = context(request), request.state.who
    ids = _ticked(given)
    sure = given.get("sure") == "yes"
    chosen = {key: given[key] for key in CONDITIONS if given.get(key)}
    if ids:
        done = await _each(its, who, action, ids, sure=sure)
    else:
        done = await _all(its, who, action, chosen, sure=sure)
    alone = ids[0] if len(ids) == 1 else None
    if sure and alone is not None:
        return RedirectResponse(f"/invitations/{alone}", 303)
    back = address(chosen) if alone is None else f"/invitations/{alone}"
    return render(
        request,
        "invitations/decide.html",
        action=action.value,
        word=WORDS[action][0],
        question=WORDS[action][1],
        means=WORDS[action][2],
        done=done,
        matched=sum(done.matched.values()),
        sure=sure,
        ids=ids,
        chosen=chosen,
        back=back,
    )


async def _all(
    its: Context, who: Who, action: Decided, chosen: dict[str, str], *, sure: bool
) -> deciding.DecisionDone:
    """All that a list shows, on whatever page."""
    values: dict[str, Any] = {
        **chosen,
        "action": action.value,
        "dry_run": not sure,
        "all": not chosen.keys() - {"what"},
    }
    return await deciding.decide(its, who, read(values, Decide))


async def _each(
    its: Context, who: Who, action: Decided, ids: list[int], *, sure: bool
) -> deciding.DecisionDone:
    """Those that were ticked; one that is in no fit state any more is left as it is."""
    matched: Counter[str] = Counter()
    done: list[int] = []
    for id_ in ids:
        try:
            one = await deciding.decide(its, who, Decide(action=action, id=id_, dry_run=not sure))
        except ProblemError as error:
            if error.code not in ("wrong_state", "not_found"):
                raise
            continue
        matched.update(one.matched)
        done += one.ids
    left = sum(matched.values()) - len(done)
    return deciding.DecisionDone(action, not sure, dict(matched), len(done), left, DECISIONS[action][1], done)


def _ticked(given: Form) -> list[int]:
    return [int(each) for each in given.getlist("id") if each.isdecimal() and len(each) < 19]


routes: list[BaseRoute] = [
    guarded("/invitations/decide", _decide, role=Role.OPERATOR, methods=["POST"], name="decide"),
]
