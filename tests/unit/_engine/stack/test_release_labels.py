"""What makes an image a release: its tag, and a label in the shape that we write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.releases import (
    LABEL,
    kept_of,
)

RELEASE = "dockyard.fleet/releases:shop"
GOOD: dict[str, Any] = {
    "v": 1,
    "project": "shop",
    "serial": 7,
    "time": "2026-01-31T10:00:00Z",
    "declared": 64 * "a",
    "file": 64 * "b",
    "images": {"web": ["sha256:1", "app:1"]},
}


def listed(label: Any, *tags: str) -> list[dict[str, Any]]:
    text = label if isinstance(label, str) else json.dumps(label)
    return [{"Id": "sha256:5", "RepoTags": list(tags), "Labels": {LABEL: text}}]


def test_a_release_is_read_from_its_label_and_tags() -> None:
    kept = kept_of("shop", listed(GOOD, f"{RELEASE}.7", "dockyard.fleet/releases:shop2.8", "a:1"))
    assert [release.serial for release in kept.releases] == [7]
    assert kept.next == 8


@pytest.mark.parametrize(
    "label",
    [
        {**GOOD, "v": 2},
        {**GOOD, "project": "other"},
        {**GOOD, "serial": 8},
        {**GOOD, "serial": "7"},
        {**GOOD, "time": "yesterday\x1b[2J"},
        {**GOOD, "declared": None},
        {**GOOD, "file": "../.."},
        {**GOOD, "images": []},
        {**GOOD, "images": {"web": "sha256:1"}},
        {**GOOD, "images": {"web": ["sha256:1", None]}},
        {**GOOD, "images": {"web": ["sha256:1"]}},
        [GOOD],
        "{",
        "[" * 10_000,
    ],
)
def test_what_is_no_label_of_ours_makes_no_release(label: Any) -> None:
    kept = kept_of("shop", listed(label, f"{RELEASE}.7"))
    assert kept.releases == ()
    assert kept.next == 8  # the number is taken all the same


@pytest.mark.parametrize(
    "tag", ["shop.0", "shop.x", "shop", "shop.1234567890", "shop-1", "shop.7/x", ".7", "SHOP.7"]
)
def test_other_tags_are_none_of_a_release(tag: str) -> None:
    kept = kept_of("shop", listed(GOOD, f"dockyard.fleet/releases:{tag}"))
    assert (kept.releases, dict(kept.tags)) == ((), {})
