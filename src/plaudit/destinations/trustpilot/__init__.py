"""The Trustpilot destination: `Order Completed` becomes a review invitation."""

from plaudit.destinations.trustpilot.definition import trustpilot

__all__ = ["trustpilot"]
