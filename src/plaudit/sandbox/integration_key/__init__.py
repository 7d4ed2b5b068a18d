"""The Integration-Key API, as the plugins of Trustpilot speak it (reference: trustpilot.md 1)."""
