"""What several files use, and at how many points runs on the real engine were cut short."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import Client, unix_dial

from tests.lab.killing import report
from tests.lab.ways import SOCKET, Lab, reachable


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Have hosts that are reached over ssh, each in a way of its own."""
    with reachable() as made:
        yield made


@pytest.fixture(scope="module")
def engine_version() -> str:
    """Return what the machine's own engine calls its version."""
    with Client(unix_dial(SOCKET)) as client:
        return str(client.get("/version")["Version"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add the numbers of points to the summary."""
    report(terminalreporter, "tests/integration")
