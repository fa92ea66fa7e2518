"""The references that a Dockerfile is built from."""

from __future__ import annotations

from typing import Dict, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building import (
    dockerfile as building_dockerfile,
)

STAGES = """
# syntax=docker/dockerfile:1
FROM golang:1 AS Build
RUN make
FROM scratch AS empty
COPY --from=build /a /a
FROM build AS more
FROM debian:12
COPY --chown=0 --from=tools:2 /t /t
COPY --from=0 /x /x
"""


@pytest.mark.parametrize(
    ("text", "args", "target", "found"),
    [
        ("FROM a:1", {}, "", ("a:1",)),
        ("from a:1 as x\nFROM x\nFROM a:1", {}, "", ("a:1",)),
        (STAGES, {}, "", ("golang:1", "debian:12", "tools:2")),
        (STAGES, {}, "build", ("golang:1",)),
        (STAGES, {}, "1", ("golang:1",)),
        ("ARG V=1\nFROM a:$V", {}, "", ("a:1",)),
        ("ARG V=1\nFROM a:$V", {"V": "2"}, "", ("a:2",)),
        ("ARG V\nFROM a:${V:-3}", {}, "", ("a:3",)),
        ("ARG V\nFROM a:${V:-3}", {"V": "4"}, "", ("a:4",)),
        ('ARG B="a" V=1\nARG F=$B:$V\nFROM --platform=linux/amd64 "$F"', {}, "", ("a:1",)),
        ("ARG V\nFROM a${V:+:}${V}", {"V": "5"}, "", ("a:5",)),
        ("FROM \\\n# why\n  a:1 \\\n AS x\n", {}, "", ("a:1",)),
        ("# escape=`\nFROM `\n a:1", {}, "", ("a:1",)),
        ("# a comment\n# escape=`\nFROM \\\n a:1", {}, "", ("a:1",)),
        ("FROM a:1\nARG V=2\nFROM b:$V", {}, "", ("a:1", "b:")),
        ("FROM scratch\nCOPY . /", {}, "", ()),
    ],
)
def test_bases(text: str, args: Dict[str, str], target: str, found: Tuple[str, ...]) -> None:
    assert building_dockerfile.base_references(text, args, target) == found
