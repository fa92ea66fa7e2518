"""A command in one text is split as a shell splits it, without what a shell expands."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.values.shell_words import split


@pytest.mark.parametrize(
    "text",
    [
        "server \\\n  --opt",
        "server \\\n  --opt \\\n  --more",
        "ser\\\nver",
        "server \\\n",
        '"two \\\nlines"',
        "'as it \\\nis' end",
        '"it\'s" \'a "b" c\' \\\nend',
        "back\\\\ slash",
        "a\\\\\\\nb",
        '"a\\\\\\\nb"',
        'a\\ b c\\\'d "e\\"f"',
    ],
)
def test_a_text_is_split_as_a_shell_does(text: str) -> None:
    script = f"show() {{ printf '%s\\0' \"$@\"; }}; show {text}\n"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert split(text, "command") == tuple(done.stdout.split("\0")[:-1])


def test_a_line_feed_alone_ends_no_command() -> None:
    assert split("one\n  two", "command") == ("one", "two")
