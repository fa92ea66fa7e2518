"""What several files use; how often runs were cut short, and how the peer's scenarios went."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import Client, unix_dial

from tests.lab.killing import report
from tests.lab.peerwork import PEER
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
    """Add both to the summary."""
    report(terminalreporter, "tests/integration")
    passed = terminalreporter.stats.get("passed", ())
    lines = [text for test in passed for name, text in test.user_properties if name == PEER]
    if lines:
        terminalreporter.section("scenarios of community.docker's own tests")
        for line in lines:
            terminalreporter.write_line(str(line))
