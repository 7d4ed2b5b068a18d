"""What an invitation says beside the order: language, templates, tags, products, times. From settings, rules and the order.

For each of these the first rule decides that fits the order and has it; then the setting; then the event.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from plaudit.destinations.base import Asked
from plaudit.destinations.settings import Settings, duration
from plaudit.spec.order import Order, Product

TRAIT = "trait:"  # how the setting `tags` names one
AUDIENCE = "audience:"
_LOCALE = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?", re.IGNORECASE)


class Article(msgspec.Struct, frozen=True):
    """A product with the number that the settings take for its SKU; empty if it has none."""

    sku: str
    product: Product


class CatalogueProduct(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """A product as the Invitations API and the feedback service take one (trustpilot.md 2.3, 4)."""

    sku: str
    name: str
    product_url: str = ""
    image_url: str = ""
    brand: str = ""
    gtin: str = ""
    mpn: str = ""


def choice(order: Order, settings: Settings, field: str) -> Any:
    """What is to be used for a field of the rules: that of the first rule that fits and has it, else the setting."""
    for rule in settings.get("rules") or ():
        if field in rule and _fits(rule, order):
            return rule[field]
    return settings.get(field)


def locale(order: Order, settings: Settings) -> str:
    """The language as Trustpilot writes it, `en-US`; '' when none is known.

    The event's own counts only with its country: a bare "en" names no language of Trustpilot's.
    """
    chosen = choice(order, settings, "locale")
    if chosen:
        return hyphenated(str(chosen))
    own = hyphenated(order.locale)
    return own if "-" in own else ""


@lru_cache(maxsize=512)
def hyphenated(written: str) -> str:
    """`de_de` as `de-DE`; '' for what is no language, such as "C"."""
    match = _LOCALE.fullmatch(written.replace("_", "-").partition(".")[0])
    if match is None:
        return ""
    language, script, country = match.groups()
    return "-".join(
        part for part in (language.lower(), (script or "").title(), (country or "").upper()) if part
    )


def tags(order: Order, settings: Settings) -> list[str]:
    """The tags, each once. A trait that is true gives its name, one with a text its name and that; an audience its name."""
    found = []
    for tag in choice(order, settings, "tags") or ():
        if tag.startswith(AUDIENCE):
            if order.traits.get(tag) is True:
                found.append(tag.removeprefix(AUDIENCE))
            continue
        if not tag.startswith(TRAIT):
            found.append(tag)
            continue
        name = tag.removeprefix(TRAIT)
        value = order.traits.get(name)
        if value is True:
            found.append(name)
        elif isinstance(value, str) and value.strip():
            found.append(f"{name}-{'-'.join(value.split())}")  # Trustpilot's tags have no spaces
    return list(dict.fromkeys(found))


def asked(settings: Settings) -> Asked:
    """The traits and audiences that tags name anywhere: an order must have been read with these."""
    places = (settings, *(settings.get("rules") or ()))
    named = list(dict.fromkeys(tag for place in places for tag in place.get("tags") or ()))
    return Asked(
        tuple(tag.removeprefix(TRAIT) for tag in named if tag.startswith(TRAIT)),
        tuple(tag.removeprefix(AUDIENCE) for tag in named if tag.startswith(AUDIENCE)),
    )


def memberships(asked: Asked, audiences: Collection[str]) -> dict[str, str | bool]:
    """Those of the audiences asked for that a customer is in, as an order keeps them among its traits."""
    return {AUDIENCE + name: True for name in asked.audiences if name in audiences}


def articles(order: Order, settings: Settings) -> list[Article]:
    """The products, none of them twice: their other number stands in where they lack the one that is the SKU."""
    which = settings.get("products") or "sku"
    if which == "none":
        return []
    found: dict[tuple[str, str], Article] = {}
    for product in order.products:
        if which == "product_id":
            sku = product.product_id or product.sku
        else:
            sku = product.sku or product.product_id
        found.setdefault((sku, "" if sku else product.name), Article(sku, product))
    return list(found.values())


def catalogue(order: Order, settings: Settings) -> tuple[list[CatalogueProduct], list[str]]:
    """What to ask product reviews of: products, or SKUs alone of a catalogue that Trustpilot has. Never both.

    A product without a number cannot be reviewed, and one without a name cannot be shown.
    """
    numbered = [article for article in articles(order, settings) if article.sku]
    named = [_in_catalogue(article) for article in numbered if article.product.name]
    return (named, []) if named else ([], [article.sku for article in numbered])


def _in_catalogue(article: Article) -> CatalogueProduct:
    product = article.product
    return CatalogueProduct(
        sku=article.sku,
        name=product.name,
        product_url=product.url,
        image_url=product.image_url,
        brand=product.brand,
        gtin=product.gtin,
        mpn=product.mpn,
    )


def service_time(order: Order, settings: Settings, now: int) -> str:
    """When Trustpilot is to send the service review invitation; '' to leave it to the account."""
    return _time(order, duration(settings, "send_after"), now)


def product_time(order: Order, settings: Settings, now: int) -> str:
    """The same for the product review invitation."""
    return _time(order, duration(settings, "product_send_after"), now)


def greeting(order: Order) -> str:
    """A name for where one is required: of a customer without one, what stands before the @."""
    return order.name or order.email.partition("@")[0]


def _time(order: Order, after: int, now: int) -> str:
    """UTC without an offset (trustpilot.md 2.3). A clock that ran ahead delays nothing, and what is past is left out."""
    if not after:
        return ""
    ordered = order.ordered_at or now
    at = (min(ordered, now) if now else ordered) + after
    if at <= now:
        return ""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _fits(rule: dict[str, Any], order: Order) -> bool:
    return (
        glob(rule.get("affiliation", "*"), order.affiliation)
        and glob(rule.get("currency", "*"), order.currency)
        and glob(rule.get("event_locale", "*").replace("_", "-"), order.locale.replace("_", "-"))
    )


def glob(pattern: str, value: str) -> bool:
    """Whether the whole value is as the pattern says, in any case; only `*` is special, and stands for anything."""
    first, *others = pattern.casefold().split("*")
    value = value.casefold()
    if not others:
        return value == first
    if not value.startswith(first):
        return False
    *middle, last = others
    at = len(first)
    for part in middle:
        found = value.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(value) - len(last) >= at and value.endswith(last)
