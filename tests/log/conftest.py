"""A cluster of three NATS servers, for all tests of the log that leave it well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from natsd import Servers


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with Servers(tmp_path_factory.mktemp("nats")) as servers:
        yield servers
