"""Deciding about invitations in the console: what it would do, counted, then what it did, and the way back."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.invitations import CONDITIONS, address
from plaudit.console.views import render
from plaudit.destinations.base import State
from plaudit.manage import deciding, undoing
from plaudit.manage.context import context
from plaudit.manage.deciding import Decide
from plaudit.manage.forms import Form, form
from plaudit.manage.given import OfId, number, read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError
from plaudit.manage.undoing import Undo
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
    wanted: dict[str, Any] = {"ids": ids} if ids else {**chosen, "all": not chosen.keys() - {"what"}}
    asked = read(wanted | {"action": action.value, "dry_run": not sure}, Decide)
    done = await deciding.decide(its, who, asked)
    story = f"/invitations/{ids[0]}" if len(ids) == 1 else ""
    if sure and story:
        return RedirectResponse(story, 303)
    uncertain = chosen | {"state": State.UNCERTAIN.value}
    fits = DECISIONS[action][0] if ids else deciding.states(action, {})
    return render(
        request,
        "invitations/decide.html",
        action=action.value,
        word=WORDS[action][0],
        question=WORDS[action][1],
        means=WORDS[action][2],
        done=done,
        matched=sum(done.matched.values()),
        fits=[each.value for each in State if each in fits],
        is_lookup=State.UNCERTAIN in DECISIONS[action][0],
        uncertain=uncertain,
        uncertain_at=address(uncertain),
        most=deciding.MOST,
        goes_on=bool(done.left) and not ids and done.state not in done.matched,
        sure=sure,
        ids=ids,
        chosen=chosen,
        story=story,
        back=story or address(chosen),
    )


async def _shown(request: Request) -> Response:
    """A decision that was made, and what could be undone of it now, where that is quickly found."""
    asked = read(dict(request.path_params), OfId, text=True)
    found = await undoing.one(context(request), request.state.who, asked)
    word = WORDS[found.action][0]
    return render(request, "invitations/decision.html", kept=found, word=word, would=found.would)


async def _undo(request: Request) -> Response:
    """Of all that the decision is about, or of one invitation, from whose story it is asked."""
    given = await form(request)
    wanted = {"id": request.path_params["id"], "invitation": given.get("invitation")}
    asked = read({key: value for key, value in wanted.items() if value}, Undo, text=True)
    done = await undoing.undo(context(request), request.state.who, asked)
    alone = asked.invitation
    if alone is not None and done.done:
        return RedirectResponse(f"/invitations/{alone}", 303)
    chosen = {key: given[key] for key in CONDITIONS if given.get(key)} if alone is None else {}
    back = address(chosen) if alone is None else f"/invitations/{alone}"
    return render(request, "invitations/undone.html", done=done, chosen=chosen, back=back)


def _ticked(given: Form) -> list[int]:
    """Raises `ProblemError`: one cannot be read. Left out, it would be a decision about others."""
    ids = [number(each) for each in given.getlist("id")]
    if None in ids:
        raise ProblemError(400, "bad_request", "one of the ids is none: load the list again")
    return [id_ for id_ in ids if id_ is not None]


routes: list[BaseRoute] = [
    guarded("/invitations/decide", _decide, role=Role.OPERATOR, methods=["POST"], name="decide"),
    guarded("/decisions/{id}", _shown, role=Role.OPERATOR, name="decision"),
    guarded("/decisions/{id}/undo", _undo, role=Role.OPERATOR, methods=["POST"], name="undo"),
]
