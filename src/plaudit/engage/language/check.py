"""What a definition must be when it is saved: of the right kind, of sensible types, and wholly supported.

What cannot be evaluated as it reads is refused with the reason: nothing is saved that would silently match
nobody. Raises `QueryError`; with text at hand (`read`) it points at the character.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from plaudit.engage.language import tree as t
from plaudit.engage.language.errors import QueryError
from plaudit.engage.language.types import check_compare, kind_of
from plaudit.engage.paths import EACH, steps
from plaudit.spec.durations import LONGEST_MS

Kind = Literal["audience", "trait"]
Fail = Callable[[str, object], QueryError]

MOST_PRIMARY = 50
DEEPEST_FUNNEL = 3
LONGEST_NAME = 500

SESSIONS = (
    "expires_after(…) is not supported: Segment does not say which activity keeps a session alive;"
    " ask for a window such as within(1 hour)"
)
ENTITIES = "entity(…) is not supported: it asks linked tables of a data warehouse, and there are none here"
ACCOUNTS = "{} is not supported: it asks about all users of an account, and audiences here are of users"


def check(tree: t.Definition, kind: Kind, error: Fail | None = None) -> None:
    """Raises `QueryError` unless `tree` is a whole and sensible audience or computed trait."""
    checker = _Checker(error or (lambda problem, _: QueryError(problem)))
    if kind == "audience":
        checker.audience(tree)
    else:
        checker.trait(tree)


class _Checker:
    """One walk over a tree. `depth` is how many events stand around the node: 0 outside of any `where`."""

    def __init__(self, error: Fail) -> None:
        self._error = error
        self._primaries = 0

    def audience(self, tree: t.Definition) -> None:
        if not isinstance(tree, t.Condition):
            self._scalar(tree, 0)
            raise self._error(
                "an audience must end in true or false, and this is a value: compare it, as in … >= 1", tree
            )
        self._condition(tree, 0)

    def trait(self, tree: t.Definition) -> None:
        if isinstance(tree, t.Condition):
            self._condition(tree, 0)
            raise self._error(
                "a computed trait must end in a value, and this is true or false: make it an audience", tree
            )
        if isinstance(tree, t.Value | t.Date):
            raise self._error(
                "a computed trait begins with event('…') or trait('…'); this is the same for everybody", tree
            )
        self._primary(tree)
        self._scalar(tree, 0)

    def _primary(self, node: object) -> None:
        self._primaries += 1
        if self._primaries > MOST_PRIMARY:
            raise self._error(
                f"a definition has at most {MOST_PRIMARY} primary expressions (comparisons); this is one more",
                node,
            )

    def _condition(self, node: t.Condition, depth: int) -> None:
        match node:
            case t.And(of=parts) | t.Or(of=parts):
                if len(parts) < 2:
                    raise self._error("AND and OR join two conditions or more", node)
                for part in parts:
                    self._condition(part, depth)
            case t.Not(of=part):
                self._condition(part, depth)
            case t.Account(every=every):
                raise self._error(ACCOUNTS.format("ALL" if every else "ANY"), node)
            case t.Compare():
                self._compare(node, depth)

    def _compare(self, node: t.Compare, depth: int) -> None:
        self._primary(node)
        if isinstance(node.left, t.Value | t.Date):
            raise self._error(
                "a comparison begins with event('…'), trait('…') or property('…'), not with a constant", node
            )
        self._scalar(node.left, depth)
        for value in node.right:
            self._scalar(value, depth)
        if node.span is not None:
            self._span(node.span, node)
        check_compare(node, self._error)

    def _scalar(self, node: t.Scalar, depth: int) -> None:
        match node:
            case t.Trait(key=key):
                self._path(key, node)
                if steps(key)[0] is EACH:
                    raise self._error("a trait has a name before `$`", node)
            case t.Property() | t.Context():
                self._field(node, depth)
            case t.Size(of=of):
                if of.by != "unique":
                    raise self._error(".count() follows events or unique(…)", node)
                self._reduced(of, depth)
            case t.Reduced():
                self._reduced(node, depth)
            case _:
                kind_of(node, self._error)

    def _field(self, node: t.Property | t.Context, depth: int) -> None:
        self._path(node.key, node)
        what = "property" if isinstance(node, t.Property) else "context"
        if depth == 0:
            raise self._error(f"{what}(…) stands within where(…) or a function such as first(…)", node)
        if isinstance(node, t.Property) and node.parent and depth == 1:
            raise self._error(
                "`parent:` stands within the where(…) of an event that is itself within one", node
            )

    def _reduced(self, node: t.Reduced, depth: int) -> None:
        stream = node.stream
        if isinstance(stream, t.Entity):
            raise self._error(ENTITIES, stream)
        if depth == DEEPEST_FUNNEL:
            raise self._error(f"events stand within one another at most {DEEPEST_FUNNEL} deep", stream)
        if not stream.name.strip() or len(stream.name) > LONGEST_NAME:
            raise self._error("an event has a name, as in event('Order Completed')", stream)
        for each in stream.filters:
            self._filter(each, depth)
        self._windows(stream)
        if (node.of is None) != (node.by == "count"):
            raise self._error(f"{node.by}(…) takes {'nothing' if node.by == 'count' else 'a property'}", node)
        if node.of is not None:
            self._path(node.of.key, node.of)
            if isinstance(node.of, t.Property) and node.of.parent:
                raise self._error(
                    f"{node.by}(…) takes a property of its own events, without `parent:`", node.of
                )
        if node.least is not None and node.least < 1:
            raise self._error("the least frequency is 1 or more", node)

    def _filter(self, node: t.Filter, depth: int) -> None:
        match node:
            case t.Where(condition=condition):
                self._condition(condition, depth + 1)
            case t.Sources(exclude=exclude):
                if not exclude:
                    raise self._error("name the sources to leave out", node)
            case t.Within(span=span, parent=parent):
                self._span(span, node)
                self._parent(node, parent=parent, depth=depth)
            case t.Between(start=start, end=end, parent=parent):
                self._span(start, node, least=0)
                self._span(end, node)
                self._parent(node, parent=parent, depth=depth)
                if start.ms >= end.ms:
                    raise self._error(
                        "between(…) takes the shorter time first: between(7 days, 10 days)", node
                    )
            case t.ExpiresAfter():
                raise self._error(SESSIONS, node)

    def _parent(self, node: t.Filter, *, parent: bool, depth: int) -> None:
        if parent and depth == 0:
            raise self._error("`parent:` counts from the event around it, and there is none", node)

    def _windows(self, stream: t.Event) -> None:
        for parent in (False, True):
            windows = [
                each
                for each in stream.filters
                if isinstance(each, t.Within | t.Between) and each.parent is parent
            ]
            start = max((each.start.ms for each in windows if isinstance(each, t.Between)), default=0)
            ends = [each.span.ms if isinstance(each, t.Within) else each.end.ms for each in windows]
            if ends and start >= min(ends):
                raise self._error("no event can be within both of these times", windows[-1])

    def _span(self, span: t.Span, node: object, least: int = 1) -> None:
        if not least <= span.count or span.ms > LONGEST_MS:
            raise self._error(f"a length of time is from {least} hour to {LONGEST_MS // t.DAY_MS} days", node)

    def _path(self, key: str, node: object) -> None:
        if not key or len(key) > LONGEST_NAME or "" in steps(key):
            raise self._error(
                r"a name is missing: a dot leads into an object, and `\.` stands for a dot in a name", node
            )
