"""`/settings/configuration`: the whole configuration as a file, to read, to keep, and to put another in its place."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.views import render
from plaudit.manage import configuring
from plaudit.manage.configuring import Checked, Export, Toml
from plaudit.manage.context import context
from plaudit.manage.forms import form
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError, problem_of


async def _page(request: Request) -> Response:
    return await _show(request, done=request.query_params.get("done") == "yes")


async def _show(
    request: Request,
    *,
    text: str | None = None,
    error: ProblemError | None = None,
    checked: Checked | None = None,
    done: bool = False,
) -> Response:
    found = await configuring.export(context(request), request.state.who, Export())
    return render(
        request,
        "settings/configuration.html",
        error.status if error else 200,
        found=found,
        text=found.toml if text is None else text,
        error=error,
        checked=checked,
        done=done,
    )


async def _put(request: Request) -> Response:
    """Check it; with `sure`, put it in place. What is wrong is said beside what was written."""
    given = await form(request)
    asked = Toml(toml=given.get("toml", "").replace("\r\n", "\n"))
    its, who = context(request), request.state.who
    try:
        if given.get("sure"):
            await configuring.apply(its, who, asked)
            return RedirectResponse("/settings/configuration?done=yes", 303)
        checked = await configuring.validate(its, who, asked)
    except Exception as error:
        problem = problem_of(error)
        if problem.status not in (400, 413, 422):
            raise
        return await _show(request, text=asked.toml, error=problem)
    return await _show(request, text=asked.toml, checked=checked)


async def _file(request: Request) -> Response:
    """As a file to keep. With its secrets that is a POST, and recorded."""
    secrets = request.method == "POST"
    found = await configuring.export(context(request), request.state.who, Export(secrets=secrets))
    return Response(
        found.toml,
        media_type="application/toml",
        headers={"content-disposition": 'attachment; filename="plaudit.toml"'},
    )


routes: list[BaseRoute] = [
    guarded("/settings/configuration", _page, role=Role.ADMIN, name="configuration"),
    guarded("/settings/configuration", _put, role=Role.ADMIN, methods=["POST"], name="put_configuration"),
    guarded("/settings/configuration/file", _file, role=Role.ADMIN, name="configuration_file"),
    guarded(
        "/settings/configuration/secrets",
        _file,
        role=Role.ADMIN,
        methods=["POST"],
        name="configuration_secrets",
    ),
]
