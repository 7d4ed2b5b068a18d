"""`is_address` under the name that it had when this was the only channel; `plaudit.sandbox.address` has it."""

from plaudit.sandbox.address import is_address

__all__ = ["is_address"]
