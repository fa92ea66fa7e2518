"""References: what people write, in one form, and one clear error for the rest."""

from __future__ import annotations

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.values.image_reference import (
    parse_reference,
    short,
)

D = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("app", "app:latest"),
        ("app:1", "app:1"),
        ("docker.io/library/app:1", "app:1"),
        ("index.docker.io/team/app", "team/app:latest"),
        ("library/app", "app:latest"),
        ("localhost/app:1", "localhost/app:1"),
        ("127.0.0.1:5000/a/b_c/d__e:V1.0", "127.0.0.1:5000/a/b_c/d__e:V1.0"),
        (f"app@{D}", f"app@{D}"),
        (f"host.example:5000/app:1@{D}", f"host.example:5000/app:1@{D}"),
    ],
)
def test_one_form(text: str, short: str) -> None:
    assert str(parse_reference(text, "name")) == short
    assert str(parse_reference(short, "name")) == short


def test_what_an_engine_says_is_shortened_or_left() -> None:
    assert short("docker.io/library/app:1") == "app:1"
    assert short("<none>:<none>") == "<none>:<none>"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("App:1", "lower case"),
        ("my app:1", "such as app:1"),
        ("app:", "a tag is"),
        ("app:a b", "a tag is"),
        ("app@sha256:12", "a digest is"),
        ("a" * 64, "an id"),
        (D, "an id"),
        ("", "such as app:1"),
        ("https://host.example/app:1", "registry's host"),
        ("app:" + "t" * 129, "a tag is"),
    ],
)
def test_refused(text: str, hint: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        parse_reference(text, "name")
    assert caught.value.option == "name"
    assert hint in str(caught.value)
