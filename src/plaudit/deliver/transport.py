"""The way out: what a flow's requests and mails are sent by. Tests swap the world here.

A channel's mails go to the mail server that its settings name (smtp_host and the others), its requests to
wherever their URLs lead.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Protocol

from plaudit.deliver.http import HttpTransport
from plaudit.destinations.base import Answer, Destination, Mail, Request
from plaudit.destinations.settings import Settings

if TYPE_CHECKING:
    from plaudit.deliver.smtp import SmtpTransport


class Transport(Protocol):
    """Sends one request or mail. Raises as deliver/failures.py draws, and `ForbiddenAddressError`."""

    def send(self, wish: Request | Mail) -> Awaitable[Answer]: ...

    async def close(self) -> None: ...


def transport_for(kind: Destination, settings: Settings) -> Transport:
    """The transport of a destination with these settings, which have been validated."""
    del kind  # its settings say it all
    return _Transport(settings)


class _Transport:
    """HTTP, and SMTP from the first mail on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = HttpTransport(allow_private=bool(settings.get("allow_private")))
        self._smtp: SmtpTransport | None = None

    def send(self, wish: Request | Mail) -> Awaitable[Answer]:
        # No coroutine of its own: this is the hot path.
        if isinstance(wish, Request):
            return self._http.send(wish)
        if self._smtp is None:
            from plaudit.deliver.smtp import SmtpTransport, account  # noqa: PLC0415 - few channels mail

            self._smtp = SmtpTransport(account(self._settings))
        return self._smtp.send(wish)

    async def close(self) -> None:
        await self._http.close()
        if self._smtp is not None:
            await self._smtp.close()
