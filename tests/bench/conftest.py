"""The host that measurements run on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench.place import host
from tests.bench.timing import Stage


@pytest.fixture(scope="module")
def stages(engine: None) -> Iterator[dict[str, Stage]]:
    """Have this machine as a host, see `host`."""
    with host() as stages:
        yield stages
