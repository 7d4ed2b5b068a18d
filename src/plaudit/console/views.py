"""Pages from templates: the one Jinja environment, and what every template may call."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import msgspec
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from plaudit.spec import dispositions
from plaudit.store.access import Who

HERE = Path(__file__).parent
STATIC = HERE / "static"
NAVIGATION = (
    ("/", "Overview", "overview"),
    ("/events", "Events", "events"),
    ("/invitations", "Invitations", "invitations"),
    ("/connections", "Connections", "connections"),
    ("/audiences", "Audiences", "audiences"),
    ("/traits", "Traits", "traits"),
    ("/profiles", "Profiles", "profiles"),
    ("/start", "Getting started", "start"),
    ("/settings", "Settings", "settings"),
)
WITHIN = {"/connections": ("/sources", "/destinations", "/catalog")}  # pages that stand under another's name


_OK = frozenset(
    (dispositions.INVITED, dispositions.CORRECTED, dispositions.PASSED_ON, dispositions.CANCELLED)
)
_TIME = re.compile(r"20[2-9]\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}Z")  # as clock.iso writes it


class Moment(NamedTuple):
    """A time, as the macro `time` writes it."""

    iso: str
    utc: str
    short: str


def render(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page, or a part of one. Its template has `who`, `csrf` and `path` beside `values`."""
    text = (
        _jinja()
        .get_template(template)
        .render(
            request=request,
            who=getattr(request.state, "who", None),
            csrf=getattr(request.state, "csrf", ""),
            path=request.url.path,
            **values,
        )
    )
    return HTMLResponse(text, status)


def text_of(template: str, **values: Any) -> str:
    """What a template comes to where there is no request to answer: a part that an event stream sends."""
    return _jinja().get_template(template).render(**values)


def moment(at: int | str) -> Moment:
    """Of ms since 1970, or of ISO 8601 in UTC."""
    when = (
        datetime.fromtimestamp(at / 1000, UTC)
        if isinstance(at, int)
        else datetime.fromisoformat(at).astimezone(UTC)
    )
    return Moment(
        when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        f"{when:%Y-%m-%d %H:%M:%S} UTC",
        f"{when.day} {when:%b %Y %H:%M} UTC",
    )


def span(ms: int | None) -> str:
    """A length of time, for people."""
    if ms is None:
        return "unknown"
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if ms >= size:
            return f"{ms / size:.3g} {unit}"
    return f"{ms} ms"


def tone(disposition: str) -> str:
    """Whether an event became what it should: "ok"; "bad", so that somebody should look; or "none"."""
    if disposition in _OK:
        return "ok"
    return "bad" if disposition in dispositions.REFUSED else "none"


def plainly(value: Any) -> str:
    """A trait's value for people: no more digits than it was worked out with, and large numbers in groups."""
    if value is None:
        return "not there"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        short = f"{value:.12g}"
        return f"{float(short):,}".removesuffix(".0") if abs(value) >= 10_000 and "e" not in short else short
    return ", ".join(map(plainly, value)) if isinstance(value, list) else str(value)


def timed(text: str) -> Markup:
    """A message with its times as the macro `time` writes them: in the reader's own zone."""

    def time(found: re.Match[str]) -> str:
        when = moment(found[0])
        return f'<time datetime="{when.iso}" title="{when.utc}">{when.short}</time>'

    return Markup(_TIME.sub(time, str(escape(text))))  # noqa: S704 - what it is given is escaped


def _capitalized(text: str) -> str:
    """The first letter large, unless the first word is a name as programs write it, such as userId."""
    first = text.partition(" ")[0]
    named = "_" in first or (len(first) > 1 and not first[1:].islower())
    return text if named else text[:1].upper() + text[1:]


def pretty(value: Any) -> str:
    """JSON over many lines."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


@cache
def static(name: str) -> str:
    """The address of a file, which changes with it: so it may be kept for ever."""
    digest = sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def is_within(path: str, href: str) -> bool:
    """Whether a page stands under this entry of the navigation."""
    if href == "/":
        return path == "/"
    return any(path == each or path.startswith(f"{each}/") for each in (href, *WITHIN.get(href, ())))


def _navigation(who: Who | None) -> tuple[tuple[str, str, str], ...]:
    return NAVIGATION if who is not None else ()


@cache
def _jinja() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters["capitalize_first"] = _capitalized
    made.filters["plainly"] = plainly
    made.filters["timed"] = timed
    made.globals |= {
        "is_within": is_within,
        "moment": moment,
        "navigation": _navigation,
        "pretty": pretty,
        "span": span,
        "static": static,
        "tone": tone,
    }
    return made
