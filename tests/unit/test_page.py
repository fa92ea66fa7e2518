"""A page is waited for by one task, which prints no line for each try."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.playbook import run_playbook

ROOT = Path(__file__).parents[2]


class Late(http.server.BaseHTTPRequestHandler):
    """A page that answers 503 at first."""

    failures = 0

    def do_GET(self) -> None:
        """Answer a request."""
        self.send_response(503 if Late.failures else 200)
        Late.failures = max(0, Late.failures - 1)
        self.end_headers()
        self.wfile.write(b"<h1>It works</h1>")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Late) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def play(folder: Path, *options: str, **variables: Any) -> str:
    """Run the role's pages alone against this machine; return what was printed."""
    book = folder / "play.yml"
    role = {"name": "dockyard.fleet.workloads", "tasks_from": "pages.yml"}
    tasks: list[dict[str, Any]] = [{"ansible.builtin.include_role": role}]
    hosts = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables}
    book.write_text(json.dumps([{**hosts, "tasks": tasks}]))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_COLOR": "1"}
    done = run_playbook([*options, str(book)], ROOT, environment)
    return done.stdout + done.stderr


def test_a_page_that_is_late_is_waited_for_in_silence(site: str, tmp_path: Path) -> None:
    Late.failures = 2
    output = play(tmp_path, "-v", workloads_pages=[site], workloads_page_timeout=20)
    assert "failed=0" in output
    assert "RETRYING" not in output
    for words in (f"url: {site}", "content: <h1>It works</h1>", "tries: 3"):
        assert words in output, output
    assert f'page                       {site} answers "It works"' in output


def test_a_page_that_never_answers_is_told_with_its_last_answer(site: str, tmp_path: Path) -> None:
    Late.failures = 100
    output = play(tmp_path, workloads_pages=[site], workloads_page_timeout=1)
    assert f"{site} did not answer 200 within 1 s: it answers 503" in output
    Late.failures = 0


def test_where_nobody_listens(tmp_path: Path) -> None:
    output = play(tmp_path, workloads_pages=["http://127.0.0.1:1/"], workloads_page_timeout=1)
    assert "http://127.0.0.1:1/ did not answer 200 within 1 s: Request failed: <urlopen" in output


def test_a_check_asks_for_nothing(site: str, tmp_path: Path) -> None:
    output = play(tmp_path, "--check", workloads_pages=["http://127.0.0.1:1/"])
    assert "failed=0" in output
