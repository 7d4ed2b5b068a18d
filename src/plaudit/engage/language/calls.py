"""A call as it was written, `name(arguments)`, and reading its arguments one by one."""

from __future__ import annotations

from typing import Any, get_args

from plaudit.engage.language import tree as t
from plaudit.engage.language.errors import QueryError, did_you_mean
from plaudit.engage.language.strings import unquote

EXTRACTORS = ("event", "trait", "property", "context", "entity", "literal")
FILTERS = ("where", "sources", "within", "between", "expires_after")
REDUCERS: dict[str, t.Reducer] = {name: name for name in get_args(t.Reducer)}
COMPARATORS: dict[str, t.Comparator] = {name: name for name in get_args(t.Comparator)}
SYMBOLS: dict[str, t.Comparator] = {
    "=": "equals",
    "==": "equals",
    "!=": "differs",
    "<>": "differs",
    ">": "greater_than",
    ">=": "at_least",
    "<": "less_than",
    "<=": "at_most",
}
ORDER = "event('…'), trait('…') or, within where(…), property('…')"
CASTS: dict[str, tuple[t.Cast, ...]] = {
    "max": ("number", "string"),
    "min": ("number", "string"),
    "mode": ("number", "string", "array"),
}
UNITS: dict[str, t.Unit] = {"hour": "hour", "hours": "hour", "day": "day", "days": "day"}
LARGEST = 10**15

_LENGTH = ("within_last", "within_next", "before_last", "after_next")
_PROPERTY = ("sum", "avg", "max", "min", "first", "last", "unique")
FUNCTIONS = {
    **{name: f"{name}('…')" for name in EXTRACTORS},
    **{name: f"event('…').{name}(30 days)" for name in FILTERS},
    "where": "event('…').where(property('total') > 100)",
    "sources": "event('…').sources({exclude: ['…']})",
    "between": "event('…').between(7 days, 10 days)",
    "count": "event('…').count()",
    "mode": "event('…').mode(property('…'), 2)",
    **{name: f"event('…').{name}(property('…'))" for name in _PROPERTY},
    **{name: f"trait('…').{name}('…')" for name in COMPARATORS},
    **{name: f"trait('…').{name}()" for name in ("absent", "exists")},
    **{name: f"trait('…').{name}(30 days)" for name in _LENGTH},
    **{name: f"trait('…').{name}('2026-11-23T18:40:00Z')" for name in ("before_date", "after_date")},
}
"""Every function of the language, with an example of its use."""


def number(written: str) -> int | float | None:
    """The number, or None when it is too large or too long to be meant."""
    if len(written) > 40:
        return None
    value = float(written)
    if not abs(value) <= LARGEST:
        return None
    return int(written) if written.lstrip("+-").isdigit() else value


class Call:
    """One function's name and arguments. The name in any case."""

    def __init__(self, syntax: Any, text: str) -> None:
        self.syntax = syntax
        self.name = str(syntax.children[0]).lower()
        self._text = text
        given = syntax.children[1].children if len(syntax.children) > 1 else []
        self.arguments = Arguments(self, [Argument(argument, self) for argument in given])

    def error(self, problem: str, syntax: Any = None) -> QueryError:
        place = self.syntax if syntax is None else syntax
        start = place.start_pos if hasattr(place, "start_pos") else place.meta.start_pos
        return QueryError(problem, self._text, start)

    @property
    def use(self) -> str:
        return f"`{self.name}` is used as in {FUNCTIONS[self.name]}"


class Argument:
    """One argument: its label, if any, its value, and the type after `as`, if any."""

    def __init__(self, syntax: Any, call: Call) -> None:
        *label, item = syntax.children
        self.call = call
        self.label = str(label[0].children[0]).lower() if label else None
        self.place = label[0] if label else item
        self.cast: Any = None
        if item.data == "cast":
            item, self.cast = item.children
        self.syntax = item

    def cast_to(self, by: str) -> t.Cast | None:
        """The type after `as`, which must be one of the reducer's."""
        if self.cast is None:
            return None
        name, known = str(self.cast).lower(), CASTS.get(by, ())
        if name not in known:
            what = f"`{by}` takes {' or '.join(known)} after `as`" if known else f"`{by}` takes no `as`"
            raise self.call.error(f"{what}, not `{name}`{did_you_mean(name, known)}", self.cast)
        return next(each for each in known if each == name)


class Arguments:
    """The arguments that have not been read yet. Each reader takes from the front."""

    def __init__(self, call: Call, given: list[Argument]) -> None:
        self._call = call
        self._given = given
        self._parent: Argument | None = None

    @staticmethod
    def text_of(token: Any) -> str:
        return unquote(str(token))

    def parent(self) -> bool:
        """Whether the first argument is labelled `parent:`; the label is taken off."""
        first = self._given[0] if self._given else None
        if first is None or first.label is None:
            return False
        if first.label != "parent":
            known = did_you_mean(first.label, ("parent",)) or ": only `parent:` is known"
            raise self._call.error(
                f"`{first.label}:` has no meaning in `{self._call.name}`{known}", first.place
            )
        first.label = None
        return True

    def only(self, what: str, *, more: bool = False) -> Argument:
        """The next argument, which must be the last one unless `more` may follow."""
        if not self._given:
            raise self._call.error(f"`{self._call.name}` needs {what}; {self._call.use}")
        argument = self._given.pop(0)
        if argument.label is not None:
            raise self._call.error(
                f"`{argument.label}:` has no meaning in `{self._call.name}`", argument.place
            )
        if argument.syntax.data in ("span", "list"):
            kind = "a length of time" if argument.syntax.data == "span" else "a list"
            raise self._call.error(f"`{self._call.name}` needs {what}, not {kind}", argument.syntax)
        if argument.cast is not None and self._call.name not in REDUCERS:
            raise self._call.error(f"`as` has no meaning in `{self._call.name}`", argument.cast)
        if not more:
            self.done()
        return argument

    def text(self, what: str) -> str:
        """The one argument, a text in quotes."""
        argument = self.only(f"{what} in quotes")
        if argument.syntax.data != "text":
            raise self._call.error(f"`{self._call.name}` needs {what} in quotes", argument.syntax)
        return self.text_of(argument.syntax.children[0])

    def span(self) -> t.Span:
        """The next argument, a length of time."""
        if not self._given:
            raise self._call.error(f"a length of time is missing; {self._call.use}")
        argument = self._given.pop(0)
        if argument.label is not None:
            raise self._call.error(f"`{argument.label}:` has no meaning here", argument.place)
        if argument.syntax.data != "span":
            which = " with its unit" if argument.syntax.data == "number" else ""
            raise self._call.error(
                f"a length of time{which} is expected, such as 30 days or 12 hours", argument.syntax
            )
        count, unit_name = argument.syntax.children
        unit = UNITS.get(str(unit_name).lower())
        if unit is None:
            known = did_you_mean(str(unit_name), UNITS)
            raise self._call.error(
                f"`{unit_name}` is no unit: lengths of time are in hours or days{known}", unit_name
            )
        if not str(count).isdigit() or len(count) > 9:
            raise self._call.error(f"{count} is no whole number of {unit}s", argument.syntax)
        return t.Span(int(count), unit)

    def values(self) -> list[Any]:
        """All arguments as values: a list in brackets, or simply several."""
        if not self._given:
            raise self._call.error(f"a value is missing; {self._call.use}")
        found: list[Any] = []
        while self._given:
            if self._given[0].syntax.data == "list":
                argument = self._given.pop(0)
                found += argument.syntax.children
                if not argument.syntax.children:
                    raise self._call.error("the list is empty", argument.syntax)
            else:
                found.append(self.only("a value", more=True).syntax)
        return found

    def excluded(self) -> tuple[str, ...]:
        """The sources after `exclude:`."""
        first = self._given[0] if self._given else None
        if first is None or first.label != "exclude":
            raise self._call.error(f"only sources to leave out can be named; {self._call.use}")
        first.label = None
        values = self.values()
        for value in values:
            if value.data != "text":
                raise self._call.error("the id of a source is a text in quotes", value)
        return tuple(self.text_of(value.children[0]) for value in values)

    def least(self) -> int | None:
        """The least frequency after the property, if it is given."""
        if not self._given:
            return None
        argument = self.only("the least frequency")
        written = str(argument.syntax.children[0]) if argument.syntax.data == "number" else ""
        if not written.isdigit() or len(written) > 9:
            raise self._call.error("the least frequency is a whole number such as 2", argument.syntax)
        return int(written)

    def done(self) -> None:
        """Refuses what is left over."""
        if self._given:
            raise self._call.error(f"this is one argument too many; {self._call.use}", self._given[0].syntax)
