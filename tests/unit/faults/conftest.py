"""Processes that run the core, and the number of points at which runs were cut short."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.corework import Crew
from tests.lab.killing import report

from .stories import WORKERS


@pytest.fixture(scope="session")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """Give the processes in which tests run the core."""
    with Crew(tmp_path_factory.mktemp("locks"), WORKERS) as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add the numbers of points to the summary."""
    report(terminalreporter, "tests/unit/faults")
