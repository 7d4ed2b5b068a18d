"""The business Invitations API, behind OAuth 2 (reference: trustpilot.md 2)."""
