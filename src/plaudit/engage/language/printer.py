"""From a tree to text that reads back as the same tree."""

from __future__ import annotations

from plaudit.engage.language import tree as t
from plaudit.engage.language.strings import quote

_SYMBOL = {
    "equals": "=",
    "differs": "!=",
    "greater_than": ">",
    "at_least": ">=",
    "less_than": "<",
    "at_most": "<=",
}


def write(tree: t.Definition) -> str:
    """The query in one line, with as few parentheses as its meaning allows."""
    match tree:
        case t.And(of=parts):
            return " AND ".join(_within(part, (t.And, t.Or)) for part in parts)
        case t.Or(of=parts):
            return " OR ".join(_within(part, (t.Or,)) for part in parts)
        case t.Not(of=part):
            return f"NOT {_within(part, (t.And, t.Or))}"
        case t.Account(every=every, of=part):
            return f"{'ALL' if every else 'ANY'} {_within(part, (t.And, t.Or))}"
        case t.Compare():
            return _compare(tree)
        case _:
            return _scalar(tree)


def _within(part: t.Condition, loose: tuple[type[t.Node], ...]) -> str:
    return f"({write(part)})" if isinstance(part, loose) else write(part)


def _compare(tree: t.Compare) -> str:
    left = _scalar(tree.left)
    if tree.by in _SYMBOL:
        return f"{left} {_SYMBOL[tree.by]} {_scalar(tree.right[0])}"
    arguments = _span(tree.span) if tree.span else ", ".join(_scalar(value) for value in tree.right)
    return f"{left}.{tree.by}({arguments})"


def _scalar(tree: t.Scalar) -> str:
    match tree:
        case t.Value(value=bool(value)):
            return "true" if value else "false"
        case t.Value(value=str(value)):
            return quote(value)
        case t.Value(value=value):
            return repr(value)
        case t.Date(written=written):
            return written
        case t.Trait(key=key):
            return f"trait({quote(key)})"
        case t.Property(key=key, parent=parent):
            return f"property({'parent: ' if parent else ''}{quote(key)})"
        case t.Context(key=key):
            return f"context({quote(key)})"
        case t.Size(of=of):
            return f"{_reduced(of)}.count()"
        case t.Reduced():
            return _reduced(tree)


def _reduced(tree: t.Reduced) -> str:
    stream = tree.stream
    name = f"event({quote(stream.name)})" if isinstance(stream, t.Event) else f"entity({quote(stream.slug)})"
    filters = "".join(f".{_filter(each)}" for each in stream.filters)
    of = _scalar(tree.of) if tree.of else ""
    cast = f" as {tree.cast}" if tree.cast else ""
    least = f", {tree.least}" if tree.least is not None else ""
    return f"{name}{filters}.{tree.by}({of}{cast}{least})"


def _filter(tree: t.Filter) -> str:
    match tree:
        case t.Where(condition=condition):
            return f"where({write(condition)})"
        case t.Sources(exclude=exclude):
            return f"sources({{exclude: [{', '.join(map(quote, exclude))}]}})"
        case t.Within(span=span, parent=parent):
            return f"within({'parent: ' if parent else ''}{_span(span)})"
        case t.Between(start=start, end=end, parent=parent):
            return f"between({'parent: ' if parent else ''}{_span(start)}, {_span(end)})"
        case t.ExpiresAfter(span=span):
            return f"expires_after({_span(span)})"


def _span(span: t.Span) -> str:
    return f"{span.count} {span.unit}{'' if span.count == 1 else 's'}"
