"""The command line: one small module a group of commands. Heavy imports happen inside commands."""

from plaudit.cli.main import main

__all__ = ["main"]
