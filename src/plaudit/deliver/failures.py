"""How sending can fail, in one tree. What matters most is whether the vendor may have what was sent.

SendError             code and words for people: no key, no address of a customer
├── NotSentError      nothing left that could do anything: sending again is safe
├── UnusableError     nothing left, and nothing will until the settings are mended
└── NoAnswerError     it left, or may have, and no whole answer came
"""

from __future__ import annotations

from plaudit.destinations.base import Fault


class SendError(Exception):
    """Sending failed; `reason` is a stable code, the text says more."""

    def __init__(self, reason: str, message: str, fault: Fault = Fault.VENDOR) -> None:
        super().__init__(message)
        self.reason = reason
        self.fault = fault


class NotSentError(SendError):
    """Nothing left this machine that could do anything."""


class UnusableError(SendError):
    """Nothing left this machine, and the settings are to blame."""


class NoAnswerError(SendError):
    """The request left, or may have, and no whole answer came."""
