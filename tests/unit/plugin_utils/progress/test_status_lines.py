# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status lines fit a terminal, and say what matters most."""

from __future__ import annotations

import pytest
from ansible_collections.dockyard.fleet.plugins.plugin_utils.progress.status_lines import (
    Status,
    cut,
    status_line,
    status_lines,
    width,
)

WAIT = Status("web1", "container/web", "waiting for healthy", "12 s of 60 s")
PULL = Status("web1", "image/registry.example.com/shop/app:1.4", "pulling, 5 of 40 MiB", "15 s")


@pytest.mark.parametrize(
    ("status", "columns", "line"),
    [
        (WAIT, 80, "web1: container/web: waiting for healthy, 12 s of 60 s"),
        (WAIT, 50, "web1: …ainer/web: waiting for heal…, 12 s of 60 s"),
        (PULL, 80, "web1: image/registry.example.com/shop/app:1.4: pulling, 5 of 40 MiB, 15 s"),
        (PULL, 60, "web1: …example.com/shop/app:1.4: pulling, 5 of 40 MiB, 15 s"),
        (PULL, 40, "web1: …p/app:1.4: pulling, 5 of …, 15 s"),
        (PULL, 12, "web1: …p/a…"),
        (PULL, 1, ""),
    ],
)
def test_what_does_not_fit_gives_way_from_the_address_on(
    status: Status, columns: int, line: str
) -> None:
    assert status_line(status, columns) == line


@pytest.mark.parametrize("columns", range(1, 120))
@pytest.mark.parametrize("host", ["w", "web1.a-very-long-domain.example.com", "日本語のサーバー"])
def test_no_line_reaches_the_last_column(host: str, columns: int) -> None:
    line = status_line(PULL._replace(host=host), columns)
    assert width(line) < columns
    if columns > 60:
        assert line.endswith(": pulling, 5 of 40 MiB, 15 s")


def test_wide_characters_count_twice_and_combining_ones_not() -> None:
    assert (width("日本"), width("e\u0301"), cut("日本語", 5), cut("abc", 0)) == (4, 1, "日本…", "")


def test_of_many_hosts_half_a_screen_is_taken() -> None:
    statuses = [WAIT._replace(host=f"web{number}") for number in range(40)]
    lines = status_lines(statuses, 80, 24)
    assert len(lines) == 12
    assert lines[-1] == "and 29 more hosts"
    assert len(status_lines(statuses[:12], 80, 24)) == 12
    assert status_lines(statuses, 80, 1) == ["and 40 more hosts"]
    assert status_lines([], 80, 24) == []
