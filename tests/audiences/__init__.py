"""Profiles, audiences and traits on the whole line: from a call to a partner's identify."""
