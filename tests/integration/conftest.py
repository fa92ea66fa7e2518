"""What several files use; what runs cut short, the peer's scenarios and secrets came to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.killing import report
from tests.lab.peerwork import PEER
from tests.lab.ways import SOCKET, Lab, reachable

SEARCHED = "searched: "
HANDS = "by hand"


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
    """Add them to the summary."""
    report(terminalreporter, "tests/integration")
    passed = terminalreporter.stats.get("passed", ())
    lines = [text for test in passed for name, text in test.user_properties if name == PEER]
    if lines:
        terminalreporter.section("scenarios of community.docker's own tests")
        for line in lines:
            terminalreporter.write_line(str(line))
    hands = [int(str(n)) for test in passed for name, n in test.user_properties if name == HANDS]
    if hands:
        terminalreporter.section("changes made by hand")
        terminalreporter.write_line(f"{len(hands)} orders, {sum(hands)} changes")
    found = [
        f"{value:>20} {name[len(SEARCHED) :]}"
        for test in passed
        for name, value in test.user_properties
        if name.startswith(SEARCHED)
    ]
    if found:
        terminalreporter.section("where secrets were searched, and not found")
        for line in found:
            terminalreporter.write_line(line)
