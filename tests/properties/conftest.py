"""The server that these tests feed with anything at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .served import Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One a module; at its end it must still be well, and able to show everything that it took."""
    server = Served(tmp_path_factory.mktemp("served"))
    try:
        yield server
        server.well()
        assert all(event["disposition"] and event["message"] for event in server.events())
        assert server.states() == {"accepted"}, "the strict sandbox refused what Plaudit sent"
    finally:
        codes = server.stop()
    assert codes == (0, 0)
