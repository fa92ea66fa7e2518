"""`.dockerignore`: the last rule that matches wins, as in Docker's own matcher."""

from __future__ import annotations

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building import (
    dockerignore,
)


@pytest.mark.parametrize(
    ("rules", "path", "out"),
    [
        ("*.log", "a.log", True),
        ("*.log", "sub/a.log", False),
        ("**/*.log", "sub/deep/a.log", True),
        ("**/*.log", "a.log", True),
        ("sub", "sub/a/b", True),
        ("sub/*", "sub", False),
        ("/sub/", "sub/a", True),
        ("sub/**", "sub/a/b", True),
        ("sub/**", "sub", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c].txt", "b.txt", True),
        ("[^a-c].txt", "b.txt", False),
        ("#a", "#a", False),
        (" #a", "#a", True),
        ("\\#a", "#a", True),
        ("*\n!keep", "keep", False),
        ("*\n!keep", "keep/inside", False),
        ("!keep\n*", "keep", True),
        ("docs\n!docs/*.md\ndocs/secret.md", "docs/a.md", False),
        ("docs\n!docs/*.md\ndocs/secret.md", "docs/secret.md", True),
        ("a+b(c)", "a+b(c)", True),
        ("a.c", "abc", False),
        ("\ufeffa.txt", "a.txt", True),
        ("./a/../b", "b", True),
        ("**", "any/thing", True),
        ("foo/**/bar", "foo/bar", True),
        ("foo/**/bar", "foo/x/y/bar", True),
    ],
)
def test_rules(rules: str, path: str, out: bool) -> None:
    assert dockerignore.Ignore(rules).excludes(path) is out


def test_kept_paths_are_sent_whatever_the_rules_say() -> None:
    rules = dockerignore.Ignore("*", keep=("deploy/Dockerfile", ".dockerignore"))
    assert not rules.excludes("deploy/Dockerfile")
    assert rules.excludes("deploy/other")
    assert rules.returns("deploy")
    assert not rules.returns("elsewhere")


def test_a_pattern_that_is_none_names_its_line() -> None:
    with pytest.raises(InvalidOption, match=r"\.dockerignore line 2: '\[a' is not a pattern"):
        dockerignore.Ignore("ok\n[a\n")
