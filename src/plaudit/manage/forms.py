"""What a form sends: `application/x-www-form-urlencoded`. Files are sent as nothing here needs them."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

from plaudit.manage.problems import ProblemError

Form = ImmutableMultiDict[str, str]
FIELDS = 5000
_KIND = "application/x-www-form-urlencoded"


async def form(request: Request) -> Form:
    """Its fields; none where the body is no form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _KIND:
        return ImmutableMultiDict([])
    body = await request.body()
    try:
        found = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError:
        raise ProblemError(400, "bad_body", "the form cannot be read: it is not UTF-8, or too long") from None
    return ImmutableMultiDict(found)
