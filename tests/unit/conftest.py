"""Say at how many points runs about machines were cut short."""

from __future__ import annotations

import pytest

from tests.lab.killing import report


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the credentials of whoever runs the tests out of them."""
    monkeypatch.setenv("DOCKER_CONFIG", "/nowhere")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add the numbers of points to the summary."""
    report(terminalreporter, "tests/unit/test_vm_cases.py")
