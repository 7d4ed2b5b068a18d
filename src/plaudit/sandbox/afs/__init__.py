"""The Automatic Feedback Service: invitations by mail (reference: trustpilot.md 4)."""
