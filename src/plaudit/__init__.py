"""Plaudit: every completed order becomes exactly one Trustpilot review invitation, or a reason why not."""

__version__ = "0.2.0"
