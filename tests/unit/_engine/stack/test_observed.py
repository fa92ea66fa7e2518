"""What there is of a project, from lists that an engine gives."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.observed import (
    base_name,
    observed_of,
)

IDENT = "0123456789ab" + 52 * "0"
IMAGE = "sha256:" + 64 * "1"


def listed(name: str, created: int = 1, **labels: str) -> dict[str, Any]:
    own = {f"com.docker.compose.{key.replace('_', '-')}": text for key, text in labels.items()}
    return {
        "Id": IDENT,
        "Names": [f"/{name}"],
        "ImageID": IMAGE,
        "Created": created,
        "Labels": {"com.docker.compose.project": "shop", **own},
    }


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("shop-web-1", "shop-web-1"),
        ("ffffffffffff_shop-web-1", "shop-web-1"),
        ("shop-web-1.old-0123456789ab", "shop-web-1"),
        # Called so by hand: its own id is another one.
        ("shop-web-1.old-ffffffffffff", "shop-web-1.old-ffffffffffff"),
    ],
)
def test_the_names_of_a_replacement_are_those_of_what_is_replaced(name: str, base: str) -> None:
    assert base_name(listed(name)) == base


def test_a_name_with_links_is_its_own() -> None:
    assert base_name({**listed("web"), "Names": ["/db/web", "/web"]}) == "web"


def test_containers_are_known_by_service_and_number() -> None:
    entries = [
        listed("shop-web-2", 3, service="web", container_number="2"),
        listed("shop_web_1", 2, service="web", container_number="1"),
        listed("shop-web-run-x", 4, service="web", oneoff="True"),
        listed("twice", 5, service="web", container_number="1"),
        listed("odd", 6, service="web", container_number="many"),
    ]
    seen = observed_of("shop", entries, {IMAGE: {}}, [], [])
    assert seen.names == {("web", 1): "shop_web_1", ("web", 2): "shop-web-2"}
    assert seen.extra == {"twice": "web", "odd": "web"}
    assert seen.newest == ("odd", "twice", "shop-web-2", "shop_web_1")


def test_labels_of_an_image_say_nothing() -> None:
    entry = listed("mine", service="web", container_number="1")
    inherited = {IMAGE: {"Labels": entry["Labels"]}}
    assert observed_of("shop", [entry], inherited, [], []).names == {}
