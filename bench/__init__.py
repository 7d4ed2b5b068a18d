"""Rates of the hot path, each beside its floor in the same run: `make bench`."""
