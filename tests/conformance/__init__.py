"""Suites that every implementation of a seam passes: subclass one, give it the fixture that it asks for."""
