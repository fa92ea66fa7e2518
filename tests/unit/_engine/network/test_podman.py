"""What Podman shows of networks is compared as if Docker had shown it; what it lacks is refused."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import (
    record as _desired_record,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network import (
    desired as network_desired,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network import fields, resource
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network.observed import (
    Observed,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network.podman import (
    check_declared,
    had,
    settings,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume import (
    desired as volume_desired,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume import (
    observed as volume_observed,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume import (
    resource as volume,
)

from tests.lab.core import validated

MTU = "com.docker.network.driver.mtu"
BRIDGE = "com.docker.network.bridge.name"
IPAM = {"Driver": "default", "Options": {"driver": "host-local"}}
RANGE = {"subnet": "10.20.0.0/16", "ip_range": "10.20.1.0/24"}


def desired_of(**options: Any) -> network_desired.Desired:
    return network_desired.desired_of(
        validated(network_desired.spec(), {"name": "front", **options})
    )


def changes(before: Dict[str, Any], shown: Dict[str, Any], after: Dict[str, Any]) -> List[str]:
    """Return what changes from one declaration to another of a network that Podman shows so."""
    made = desired_of(**before)
    asked = {"asked": fields.asked_keys(made.declared)}
    record = _desired_record.encode_record(made.address, fields.FIELDS, made.declared, asked)
    config = [{"Subnet": "10.20.0.0/16", "Gateway": "10.20.0.1"}]
    now: Dict[str, Any] = {
        "Name": "front",
        "Id": "00",
        "Driver": "bridge",
        "Options": {},
        **dict.fromkeys(("EnableIPv4", "EnableIPv6", "Internal", "Attachable"), False),
        "IPAM": {**IPAM, "Config": config},
        **shown,
        "Labels": {fields.OWNER_LABEL: record},
    }
    observed = Observed(current=now, api=(1, 44), kind="podman")
    return [change.words() for change in resource.changes_of(desired_of(**after), observed)]


@pytest.mark.parametrize(
    ("before", "shown", "after", "words"),
    [
        ({}, {}, {}, []),
        ({"driver_opts": {MTU: "1400"}}, {"Options": {"mtu": "1400"}}, None, []),
        ({"driver_opts": {BRIDGE: "front0"}}, {}, None, []),
        (
            {"driver_opts": {BRIDGE: "front0"}},
            {},
            {"driver_opts": {BRIDGE: "front1"}},
            [f"driver_opts.{BRIDGE}: (not shown by Podman) → front1"],
        ),
        ({"driver": "macvlan"}, {"Driver": "macvlan", "IPAM": {"Driver": "dhcp"}}, None, []),
        ({"ipam": {"config": [RANGE]}}, {}, None, []),
        (
            {"ipam": {"config": [RANGE]}},
            {},
            {"ipam": {"config": [{"subnet": "10.20.0.0/16"}]}},
            ["ipam.config.10.20.0.0/16: {ip_range: (not shown by Podman)} → set"],
        ),
    ],
)
def test_compared_as_if_docker_had_shown_it(
    before: Dict[str, Any], shown: Dict[str, Any], after: Any, words: List[str]
) -> None:
    assert changes(before, shown, before if after is None else after) == words


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"driver_opts": {"icc": "no"}}, "driver_opts.icc: podman does not support it; it has"),
        (
            {"ipam": {"config": [{**RANGE, "aux_addresses": {"printer": "10.20.0.9"}}]}},
            "ipam.config[0].aux_addresses: podman does not support it; declare an ip_range",
        ),
    ],
)
def test_what_podman_would_drop_is_refused(options: Dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        check_declared(desired_of(**options).declared)
    assert str(caught.value).startswith(message)


def test_an_endpoint_keeps_the_addresses_that_fit() -> None:
    point = {"IPAddress": "10.20.0.7", "GlobalIPv6Address": "fd07::7", "MacAddress": "02:42:0a:00"}
    kept = {"Aliases": ["shop"], **had(point)}
    one, other = {"Subnet": "10.20.0.0/24"}, {"Subnet": "10.30.0.0/24"}
    assert settings(kept, {"IPAM": {"Config": [one, other]}}) == {
        "Aliases": ["shop"],
        "MacAddress": "02:42:0a:00",
        "IPAMConfig": {"IPv4Address": "10.20.0.7"},
    }
    assert "IPAMConfig" not in settings(kept, {"IPAM": {"Config": [other]}})
    taken = {**one, "Gateway": "10.20.0.7"}
    assert "IPAMConfig" not in settings(kept, {"IPAM": {"Config": [taken]}})
    assert had({"IPAddress": "", "MacAddress": ""}) == {}  # it does not run


def test_a_backup_would_lose_the_owners() -> None:
    options = validated(volume_desired.spec(), {"name": "data", "backup": "/data.tar"})
    desired = volume_desired.desired_of(options)
    observed = volume_observed.Observed(current={"Name": "data", "Driver": "local"}, kind="podman")
    with pytest.raises(InvalidOption, match="backup: podman does not report who owns the files"):
        volume.VOLUME.plan(desired, observed, [])
