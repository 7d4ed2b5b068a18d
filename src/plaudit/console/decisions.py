"""Deciding about invitations in the console: what it would do, counted, then what it did, and the way back."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.invitations import CONDITIONS, address
from plaudit.console.views import render
from plaudit.manage import deciding, undoing
from plaudit.manage.context import Context, context
from plaudit.manage.deciding import Decide
from plaudit.manage.forms import Form, form
from plaudit.manage.given import OfId, number, read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError
from plaudit.manage.undoing import Undo
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
        done = await deciding.several(its, who, action, ids, dry_run=not sure)
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


async def _shown(request: Request) -> Response:
    """A decision that was made, and what could be undone of it now, where that is quickly found."""
    its, id_ = context(request), read(dict(request.path_params), OfId, text=True).id
    kept = await its.store.decision(id_)
    if kept is None:
        raise ProblemError(404, "not_found", f"nothing is kept of a decision {id_}, or not any more")
    would = None
    if 0 < kept.deliveries - kept.undone <= deciding.PORTION:
        would = await undoing.undo(its, request.state.who, Undo(id=id_, dry_run=True))
    return render(request, "invitations/decision.html", kept=kept, word=WORDS[kept.decided][0], would=would)


async def _undo(request: Request) -> Response:
    """Of all that the decision is about, or of one invitation, from whose story it is asked."""
    given = await form(request)
    wanted = {"id": request.path_params["id"], "invitation": given.get("invitation")}
    asked = read({key: value for key, value in wanted.items() if value}, Undo, text=True)
    done = await undoing.undo(context(request), request.state.who, asked)
    alone = asked.invitation
    if alone is not None and done.done:
        return RedirectResponse(f"/invitations/{alone}", 303)
    chosen = {key: given[key] for key in CONDITIONS if given.get(key)}
    back = address(chosen) if alone is None else f"/invitations/{alone}"
    return render(request, "invitations/undone.html", done=done, back=back)


def _ticked(given: Form) -> list[int]:
    return [id_ for each in given.getlist("id") if (id_ := number(each)) is not None]


routes: list[BaseRoute] = [
    guarded("/invitations/decide", _decide, role=Role.OPERATOR, methods=["POST"], name="decide"),
    guarded("/decisions/{id}", _shown, role=Role.OPERATOR, name="decision"),
    guarded("/decisions/{id}/undo", _undo, role=Role.OPERATOR, methods=["POST"], name="undo"),
]
