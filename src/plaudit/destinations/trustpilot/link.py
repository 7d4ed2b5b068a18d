"""Business Generated Links: a link to a review form that knows its customer, made without asking Trustpilot (trustpilot.md 3.1).

AES-256-CBC, then HMAC-SHA256 over IV and ciphertext. Nothing reaches Trustpilot until the customer submits. Pure:
the initialisation vector, which must be new for each link, comes from the caller.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives import hashes, hmac, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

IV_BYTES = 16
KEY_BYTES = 32
_COUNTRY = re.compile(r"[a-z]{2}(-[a-z]{2})?")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,253}")


class LinkError(Exception):
    """No link can be made of this; the message names what to mend, and shows no key."""


class Keys(msgspec.Struct, frozen=True):
    """The two keys of the account, decoded."""

    encrypt: bytes
    auth: bytes


class Customer(msgspec.Struct, omit_defaults=True):
    """What the link tells the form. `ref`: of several reviews by one customer, each needs its own."""

    email: str
    name: str
    ref: str
    skus: list[str] = []
    tags: list[str] = []


def keys(encrypt: str, auth: str) -> Keys:
    """The keys from their base64. Raises `LinkError`."""
    return Keys(_key("encrypt key", encrypt), _key("authentication key", auth))


def link(customer: Customer, domain: str, using: Keys, iv: bytes, country: str = "") -> str:
    """The link. `country`: such as "de" or "fr-be", for Trustpilot's pages in that language. Raises `LinkError`."""
    if not _DOMAIN.fullmatch(domain):
        raise LinkError(f"{domain!r} is no domain: use yours at Trustpilot, such as shop.example.com")
    if country and not _COUNTRY.fullmatch(country):
        raise LinkError(f"{country!r} is no country of Trustpilot's: use one such as de, or fr-be")
    for name, value in (("email", customer.email), ("name", customer.name), ("order id", customer.ref)):
        if not value:
            raise LinkError(
                f"the {name} is empty: a link needs the customer's address and name and the order's id"
            )
    for tag in customer.tags:
        if not tag or any(character.isspace() for character in tag):
            raise LinkError(f"the tag {tag!r} has a space in it: Trustpilot's tags have none")
    told = encrypted(msgspec.json.encode(customer), using, iv)
    return f"https://{country or 'www'}.trustpilot.com/evaluate-bgl/{domain}?p={quote(told, safe='')}"


def encrypted(message: bytes, using: Keys, iv: bytes) -> str:
    """IV, ciphertext and MAC in base64."""
    padder = padding.PKCS7(128).padder()
    padded = padder.update(message) + padder.finalize()
    encryptor = Cipher(algorithms.AES(using.encrypt), modes.CBC(iv)).encryptor()
    sealed = iv + encryptor.update(padded) + encryptor.finalize()
    mac = hmac.HMAC(using.auth, hashes.SHA256())
    mac.update(sealed)
    return b64encode(sealed + mac.finalize()).decode()


def _key(name: str, written: str) -> bytes:
    try:
        key = b64decode(written.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise LinkError(f"the {name} is not 32 bytes in base64: copy it from Trustpilot Business as it is")
    return key
