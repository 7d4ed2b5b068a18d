"""Secrets at rest: sealed with AES-256-GCM under one key per installation.

The key is `PLAUDIT_SECRET_KEY` (base64 of 32 bytes) or the file `secret.key` in the data directory, made at
first use and readable by its owner only. Losing it loses the secrets, never the events or the ledger.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plaudit.errors import DataError

_NONCE = 12


class Vault:
    """Seals and opens. `about` binds a sealed value to its place, so that two cannot be swapped."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._hashing = hmac.digest(key, b"plaudit: hashes of addresses", "sha256")

    def seal(self, plain: bytes, about: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """Raises `DataError`: sealed under another key."""
        try:
            return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())
        except InvalidTag:
            raise DataError(
                f"cannot open the sealed {about}: secret.key (or PLAUDIT_SECRET_KEY) is not the one it was sealed with; "
                "put the right key back, or apply the configuration again"
            ) from None

    def address(self, email: str) -> str:
        """A hash by which an address is known again, and which tells nothing of it to who lacks the key."""
        return hmac.digest(self._hashing, email.casefold().encode(), "sha256").hex()


def vault(data: Path) -> Vault:
    """The vault of an installation. Raises `DataError`: the key is unreadable or has the wrong form."""
    given = os.environ.get("PLAUDIT_SECRET_KEY")
    if given:
        return Vault(_key(given, "PLAUDIT_SECRET_KEY"))
    path = data / "secret.key"
    try:
        if not path.exists():
            _make(path)
        return Vault(_key(path.read_text("ascii", errors="replace"), str(path)))
    except OSError as error:
        raise DataError(f"cannot make or read {path}: {error.strerror}") from None


def keys(data: Path) -> list[Vault]:
    """Every key at hand that an installation may have sealed with, and none is made: its file's, the environment's."""
    path, given = data / "secret.key", os.environ.get("PLAUDIT_SECRET_KEY")
    try:
        found = [_key(path.read_text("ascii", errors="replace"), str(path))] if path.exists() else []
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    return [Vault(key) for key in found + ([_key(given, "PLAUDIT_SECRET_KEY")] if given else [])]


def _make(path: Path) -> None:
    """A new key, on disk whole or not at all; one that another process made meanwhile stays."""
    new = path.with_name(f".secret.key.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(base64.b64encode(AESGCM.generate_key(256)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(new, path)
    new.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _key(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise DataError(f"{where} must hold 32 bytes in base64")
    return key
