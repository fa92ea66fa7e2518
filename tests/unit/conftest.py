"""Say at how many points runs about machines were cut short."""

from __future__ import annotations

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building import builders

from tests.lab.killing import report


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what Docker's client has on this machine out of the tests: accounts, plugins."""
    monkeypatch.setenv("DOCKER_CONFIG", "/nowhere")
    monkeypatch.setattr(builders, "_FOLDERS", ())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add the numbers of points to the summary."""
    report(terminalreporter, "tests/unit/test_vm_cases.py")
