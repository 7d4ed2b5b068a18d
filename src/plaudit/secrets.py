"""Secrets at rest: sealed with AES-256-GCM under one key per installation.

The key is `PLAUDIT_SECRET_KEY` (base64 of 32 bytes) or the file `secret.key` in the data directory, made at
first use and readable by its owner only. Losing it loses the secrets, never the events or the ledger.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plaudit.errors import DataError

_NONCE = 12
MASK = "…"


class Vault:
    """Seals and opens. `about` binds a sealed value to its place, so that two cannot be swapped."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

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


def vault(data: Path) -> Vault:
    """The vault of an installation. Raises `DataError`: the key is unreadable or has the wrong form."""
    given = os.environ.get("PLAUDIT_SECRET_KEY")
    if given:
        return Vault(_key(given, "PLAUDIT_SECRET_KEY"))
    path = data / "secret.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Vault(_key(path.read_text("ascii", errors="replace"), str(path)))
    except OSError as error:
        raise DataError(f"cannot make {path}: {error.strerror}") from None
    key = AESGCM.generate_key(256)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return Vault(key)


def mask(secret: str) -> str:
    """Enough of a secret to tell it from another: the first three characters."""
    return f"{secret[:3]}{MASK}" if secret else ""


def _key(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise DataError(f"{where} must hold 32 bytes in base64")
    return key
