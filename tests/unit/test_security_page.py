"""The page about security promises nothing without a test."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_promise_names_tests_that_are_there() -> None:
    lines = (ROOT / "docs" / "security.md").read_text().splitlines()
    promises = [line for line in lines if line.startswith("| ") and line.endswith("` |")]
    assert len(promises) > 20
    for line in promises:
        named = re.findall(r"`([^`]+)`", line.rsplit(" | ", 1)[1])
        assert named, line
        assert [path for path in named if not (ROOT / path).exists()] == [], line
