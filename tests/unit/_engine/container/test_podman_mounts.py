"""Mounts of the long form on Podman, as seen on 5.4 and 5.8: read as they are, or refused."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.fields import Context
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container import (
    podman_mounts as container_podman_mounts,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.fields import (
    mounts,
    volumes,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.podman import (
    as_docker,
    create_body,
)

parse_volumes = volumes.parse_volumes
TMPFS = {"type": "tmpfs", "target": "/cache"}
BIND = {"type": "bind", "source": "/srv", "target": "/srv"}
ADDED = "rprivate,nosuid,nodev,tmpcopyup"


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ({**TMPFS}, {"Tmpfs": {"/cache": ADDED}}),
        ({**TMPFS, "tmpfs": {"size": "16m"}}, {"Tmpfs": {"/cache": f"size=16777216,{ADDED}"}}),
        ({**TMPFS, "tmpfs": {"size": "16m"}}, {"Tmpfs": {"/cache": f"size=16m,{ADDED}"}}),
        (
            {**TMPFS, "read_only": True, "tmpfs": {"mode": "1770"}},
            {"Tmpfs": {"/cache": f"ro,mode=1770,{ADDED}"}},
        ),
        ({**BIND, "bind": {"recursive": "disabled"}}, {"Binds": ["/srv:/srv:bind,private"]}),
        (
            {**BIND, "read_only": True, "bind": {"recursive": "disabled", "propagation": "shared"}},
            {"Binds": ["/srv:/srv:ro,bind,shared"]},
        ),
        ({**BIND}, {"Binds": ["/srv:/srv:rw,rprivate,rbind"]}),
        ("data:/data:U", {"Binds": ["data:/data:U,rw,rprivate,nosuid,nodev,rbind"]}),
        ("/srv:/srv:ro,U", {"Binds": ["/srv:/srv:U,ro,rprivate,rbind"]}),
    ],
)
def test_what_was_declared_is_seen(entry: Any, shown: Dict[str, Any]) -> None:
    declared = {"volumes": parse_volumes([entry], "volumes")}
    container_podman_mounts.check_mounts(declared)
    assert seen(shown, declared) == declared["volumes"]


def test_what_differs_is_seen() -> None:
    declared = {"volumes": parse_volumes([{**TMPFS, "tmpfs": {"size": "16m"}}], "volumes")}
    for words in ("size=8m", "size=many", "mode=9"):
        assert seen({"Tmpfs": {"/cache": words}}, declared) != declared["volumes"]


def seen(shown: Dict[str, Any], declared: Dict[str, Any]) -> Any:
    box: Dict[str, Any] = {"Id": "0", "Name": "/web", "Config": {}, "HostConfig": shown}
    box["NetworkSettings"] = {"Networks": {}}
    context = Context(declared, kind="podman")
    return mounts.read(as_docker(box, context), context)


def test_a_temporary_file_system_without_a_mode_has_the_usual_one() -> None:
    desired = parse_volumes([{**TMPFS, "read_only": True, "tmpfs": {"size": "1m"}}, BIND], "v")
    body: Dict[str, Any] = {}
    mounts.write(body, desired, Context({}))
    made = create_body(body)["HostConfig"]
    assert made["Tmpfs"] == {"/cache": "ro,size=1048576"}
    assert made["Mounts"] == []


def test_the_owner_of_a_volume_is_podmans_to_set() -> None:
    """Only Podman knows U: on Docker a case in refused.yml says so."""
    body: Dict[str, Any] = {}
    mounts.write(body, parse_volumes(["data:/data:U"], "volumes"), Context({}))
    assert create_body(body)["HostConfig"]["Binds"] == ["data:/data:U"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**BIND, "bind": {"create_host_path": False}}, "[/srv].create_host_path: podman does not"),
        ({**BIND, "bind": {"recursive": "writable"}}, "[/srv].recursive: podman does not support"),
        (
            {"type": "volume", "target": "/v", "volume": {"labels": {"a": "b"}}},
            "[/v].labels: podman does not support it; declare the volume by dockyard.fleet.volume",
        ),
        (
            {
                "type": "volume",
                "source": "data",
                "target": "/v",
                "volume": {"driver_opts": {"o": 1}},
            },
            "[/v].driver_opts: podman does not support it",
        ),
        ({**BIND, "target": "/a:b"}, "[/a:b]: podman does not allow a colon in a path"),
    ],
)
def test_what_podman_would_drop_is_refused(entry: Dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        container_podman_mounts.check_mounts({"volumes": parse_volumes([entry], "volumes")})
    assert str(caught.value).startswith(f"volumes{message}")
