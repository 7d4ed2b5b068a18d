"""From the parser's tree to a definition: the functions of the language, and what each takes.

Says where and why when a function is unknown, out of place or wrongly used. Types, limits and what is not
supported are `check`'s. Positions of nodes are remembered beside the tree, since a tree is only data.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from plaudit.engage.language import tree as t
from plaudit.engage.language.calls import (
    COMPARATORS,
    EXTRACTORS,
    FILTERS,
    FUNCTIONS,
    ORDER,
    REDUCERS,
    SYMBOLS,
    Call,
    number,
)
from plaudit.engage.language.calls import Arguments as Args
from plaudit.engage.language.errors import QueryError, did_you_mean

DEEPEST = 60


class _Bare(NamedTuple):
    """Events that no reducer has made a value of yet."""

    stream: t.Stream


Made = t.Condition | t.Scalar | _Bare
N = TypeVar("N")


class Builder:
    """Builds one query's tree and remembers where its nodes stand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._places: dict[int, tuple[object, int]] = {}  # the node too: its id is its own while it lives
        self._depth = 0

    def error(self, problem: str, node: object = None) -> QueryError:
        """The error at the node's place."""
        _, position = self._places.get(id(node), (None, None))
        return QueryError(problem, self.text, position)

    def build(self, syntax: Any) -> t.Definition:
        return self._whole(syntax.children[0])

    def _at(self, syntax: Any, problem: str) -> QueryError:
        return QueryError(problem, self.text, _position(syntax))

    def _put(self, node: N, syntax: Any) -> N:
        self._places.setdefault(id(node), (node, _position(syntax)))
        return node

    def _whole(self, syntax: Any) -> t.Condition | t.Scalar:
        """A condition or a value: events must have been reduced to one."""
        made = self._make(syntax)
        if isinstance(made, _Bare):
            what = "entity" if isinstance(made.stream, t.Entity) else "event"
            raise self._at(
                syntax, f"{what}(…) is many {what}s, no value yet: end it with a function such as .count()"
            )
        return made

    def _condition(self, syntax: Any, where: str) -> t.Condition:
        made = self._whole(syntax)
        if not isinstance(made, t.Condition):
            raise self._at(syntax, f"{where} takes a condition, and this is a value: compare it, as in … = 1")
        return made

    def _scalar(self, syntax: Any) -> t.Scalar:
        made = self._whole(syntax)
        if isinstance(made, t.Condition):
            raise self._at(syntax, "this is already true or false and cannot be compared again")
        return made

    def _make(self, syntax: Any) -> Made:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._at(syntax, f"the query is nested more than {DEEPEST} levels deep")
        try:
            made: Made = getattr(self, f"_{syntax.data}")(syntax)
        finally:
            self._depth -= 1
        return made

    def _group(self, syntax: Any) -> Made:
        return self._make(syntax.children[0])

    def _both(self, syntax: Any) -> t.Condition:
        return self._put(t.And(tuple(self._condition(c, "AND") for c in syntax.children)), syntax)

    def _either(self, syntax: Any) -> t.Condition:
        return self._put(t.Or(tuple(self._condition(c, "OR") for c in syntax.children)), syntax)

    def _opposite(self, syntax: Any) -> t.Condition:
        return self._put(t.Not(self._condition(syntax.children[0], "NOT")), syntax)

    def _any_user(self, syntax: Any) -> t.Condition:
        return self._put(t.Account(every=False, of=self._condition(syntax.children[0], "ANY")), syntax)

    def _all_users(self, syntax: Any) -> t.Condition:
        return self._put(t.Account(every=True, of=self._condition(syntax.children[0], "ALL")), syntax)

    def _compare(self, syntax: Any) -> t.Condition:
        left, symbol, right = syntax.children
        made = t.Compare(self._scalar(left), SYMBOLS[str(symbol)], (self._scalar(right),))
        return self._put(made, syntax)

    def _text(self, syntax: Any) -> t.Scalar:
        return self._put(t.Value(Args.text_of(syntax.children[0])), syntax)

    def _date(self, syntax: Any) -> t.Scalar:
        return self._put(t.Date(str(syntax.children[0])), syntax)

    def _number(self, syntax: Any) -> t.Scalar:
        value = number(str(syntax.children[0]))
        if value is None:
            raise self._at(syntax, "this number is larger than 10^15, or has more than 40 characters")
        return self._put(t.Value(value), syntax)

    def _word(self, syntax: Any) -> t.Scalar:
        word = str(syntax.children[0])
        if word.lower() in ("true", "false"):
            return self._put(t.Value(word.lower() == "true"), syntax)
        if word.lower() in ("null", "none"):
            raise self._at(syntax, "there is no null: ask with .exists() or .absent()")
        known = did_you_mean(word, EXTRACTORS)
        raise self._at(syntax, f"`{word}` is no value{known or f': text is written in quotes, {word!r}'}")

    def _chain(self, syntax: Any) -> Made:
        calls = [Call(call, self.text) for call in syntax.children]
        first, *rest = calls
        made = self._extract(first)
        for call in rest:
            made = self._put_bare(self._follow(made, call), first.syntax)
        return made

    def _put_bare(self, made: Made, syntax: Any) -> Made:
        self._put(made.stream if isinstance(made, _Bare) else made, syntax)
        return made

    def _extract(self, call: Call) -> Made:
        name, args = call.name, call.arguments
        match name:
            case "event":
                made: Made = _Bare(t.Event(args.text("the event's name")))
            case "entity":
                made = _Bare(t.Entity(args.text("the relationship's slug")))
            case "trait":
                made = t.Trait(args.text("the trait's name"))
            case "property":
                parent = args.parent()
                made = t.Property(args.text("the property's name"), parent)
            case "context":
                made = t.Context(args.text("the field's path"))
            case "literal":
                made = self._scalar(args.only("a value").syntax)
                if not isinstance(made, t.Value | t.Date):
                    raise call.error("literal(…) takes a text, a number, true, false or a date")
            case _ if name in FUNCTIONS:
                raise call.error(
                    f"`{name}` cannot begin an expression: it follows one, as in {FUNCTIONS[name]}"
                )
            case _:
                known = did_you_mean(name, FUNCTIONS)
                raise call.error(
                    f"there is no function `{name}`{known or ': expressions begin with ' + ORDER}"
                )
        args.done()
        return self._put_bare(made, call.syntax)

    def _follow(self, made: Made, call: Call) -> Made:
        name = call.name
        if name not in FUNCTIONS:
            raise call.error(f"there is no function `{name}`{did_you_mean(name, FUNCTIONS)}")
        if isinstance(made, t.Condition):
            raise call.error(f"nothing can follow a comparison: `.{name}` is too much, or AND is missing")
        if name in EXTRACTORS:
            raise call.error(f"`{name}` begins an expression and cannot follow one")
        if isinstance(made, _Bare):
            if name in FILTERS:
                return _Bare(self._filtered(made.stream, call))
            if name in REDUCERS:
                return self._reduced(made.stream, call)
            raise call.error(
                f"`{name}` compares a value, and these are many events: first .count() or another reducer"
            )
        if name == "count" and isinstance(made, t.Reduced) and made.by == "unique":
            call.arguments.done()
            return t.Size(made)
        if name in FILTERS or name in REDUCERS:
            raise call.error(f"`{name}` works on events, and this is already one value")
        return self._compared(made, call)

    def _filtered(self, stream: t.Stream, call: Call) -> t.Stream:
        args = call.arguments
        made: t.Filter
        match call.name:
            case "where":
                made = t.Where(self._condition(args.only("a condition").syntax, "where(…)"))
            case "sources":
                made = t.Sources(args.excluded())
            case "within":
                parent = args.parent()
                made = t.Within(args.span(), parent)
            case "between":
                parent = args.parent()
                made = t.Between(args.span(), args.span(), parent)
            case _:
                made = t.ExpiresAfter(args.span())
        args.done()
        self._put(made, call.syntax)
        return type(stream)(
            stream.name if isinstance(stream, t.Event) else stream.slug, (*stream.filters, made)
        )

    def _reduced(self, stream: t.Stream, call: Call) -> t.Reduced:
        self._put(stream, call.syntax)
        args, by = call.arguments, REDUCERS[call.name]
        if by == "count":
            args.done()
            return t.Reduced(stream, by)
        argument = args.only("a property, as in property('total')", more=by == "mode")
        of = self._scalar(argument.syntax)
        if not isinstance(of, t.Property | t.Context):
            raise self._at(argument.syntax, f"{by}(…) takes a property, as in {by}(property('total'))")
        cast = argument.cast_to(by)
        least = args.least() if by == "mode" else None
        args.done()
        return t.Reduced(stream, by, of, cast, least)

    def _compared(self, left: t.Scalar, call: Call) -> t.Condition:
        args, by = call.arguments, COMPARATORS[call.name]
        right: tuple[t.Scalar, ...] = ()
        span: t.Span | None = None
        match by:
            case "absent" | "exists":
                pass
            case "within_last" | "within_next" | "before_last" | "after_next":
                span = args.span()
            case "contains" | "one_of" | "none_of":
                right = tuple(self._scalar(value) for value in args.values())
            case _:
                right = (self._scalar(args.only("one value").syntax),)
        args.done()
        return t.Compare(left, by, right, span)


def _position(syntax: Any) -> int:
    return int(syntax.start_pos if hasattr(syntax, "start_pos") else syntax.meta.start_pos)
