"""What Podman's inspect says is what Docker's would say of the same container."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import ownership
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import (
    record as _desired_record,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.fields import Context
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.values import dig
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.podman import (
    as_docker,
    create_body,
    update_body,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

VOLUME = "ab" * 32
DEFAULT = {
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE"),
    *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}


def shown(path: str, value: Any, record: Any = None, wanted_at: str = "", **declared: Any) -> Any:
    """Return what `path` of a container of Podman's (or another one) is in Docker's terms."""
    box: Dict[str, Any] = {
        "Id": "0123456789abcdef",
        "Name": "/web",
        "Config": {"Hostname": "0123456789ab"},
        "HostConfig": {},
        "NetworkSettings": {"Networks": {}},
    }
    *parents, last = path.split(".")
    inner = box
    for part in parents:
        inner = inner[part]
    inner[last] = value
    declared = {key.replace("__", "."): item for key, item in declared.items()}
    base = {"Env": ["LOG=info"], "Labels": {"from": "image"}}
    made = as_docker(box, Context(declared, base, record or {}, kind="podman"))
    return dig(made, wanted_at or path)


@pytest.mark.parametrize(
    ("path", "value", "same"),
    [
        ("Config.Env", ["LOG=info", "container=podman", "HOME=/"], ["LOG=info"]),
        ("Config.Env", ["HOSTNAME=0123456789ab"], []),
        ("Config.Env", ["HOSTNAME=mine", "container=other"], ["HOSTNAME=mine", "container=other"]),
        ("Config.Labels", {"a": "1", "io.buildah.version": "1.39"}, {"a": "1"}),
        ("Config.StopTimeout", 10, None),
        ("Config.StopTimeout", 11, 11),
        ("Config.StopSignal", "15", ""),
        ("Config.StopSignal", "10", "10"),
        ("Config.WorkingDir", "/", ""),
        ("HostConfig.PidsLimit", 2048, 0),
        ("HostConfig.PidsLimit", 50, 50),
        ("HostConfig.MemorySwappiness", -1, None),
        ("HostConfig.Ulimits", [{"Name": "RLIMIT_NOFILE", "Soft": 1, "Hard": 1}], []),
        ("HostConfig.SecurityOpt", ["no-new-privileges"], ["no-new-privileges:true"]),
        ("HostConfig.SecurityOpt", ["label=a:b,label=c:d"], ["label=a:b", "label=c:d"]),
        ("HostConfig.SecurityOpt", ["seccomp=/a,b"], ["seccomp=/a,b"]),
        ("HostConfig.Binds", ["/srv:/srv:ro,rprivate,rbind"], ["/srv:/srv:ro"]),
        ("HostConfig.Binds", [f"{VOLUME}:/data:rw,nosuid"], []),
        ("HostConfig.Annotations", {"io.podman.annotations.init": "TRUE", "a": "1"}, {"a": "1"}),
    ],
)  # fmt: skip
def test_what_nobody_asked_for_is_left_out(path: str, value: Any, same: Any) -> None:
    assert shown(path, value) == same


def test_what_was_asked_for_stays() -> None:
    assert shown("Config.Env", ["HOME=/srv"], environment={"HOME": "/srv"}) == ["HOME=/srv"]
    assert shown("Config.StopTimeout", 10, stop_grace_period=10) == 10
    assert shown("HostConfig.PidsLimit", 2048, pids_limit=2048) == 2048
    check = {"Test": ["CMD", "true"], "Interval": 30_000_000_000, "Retries": 3}
    asked = {"healthcheck__interval": 30_000_000_000}
    assert shown("Config.Healthcheck", check, **asked) == {**check, "Retries": 0}


def test_a_port_that_it_chose_is_the_one_that_was_asked_for() -> None:
    found = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "45197"}]}
    free = {"80/tcp": [{"HostIp": "", "HostPort": ""}]}
    assert shown("HostConfig.PortBindings", found, ports={"80/tcp": (("", ""),)}) == free
    fixed = {"80/tcp": [{"HostIp": "", "HostPort": "45197"}]}
    assert shown("HostConfig.PortBindings", found, ports={"80/tcp": (("", "80"),)}) == fixed


def test_an_anonymous_volume_is_none_of_the_binds() -> None:
    box = {"Config": {}, "HostConfig": {"Binds": [f"{VOLUME}:/data:rw"]}, "Id": "0", "Name": "/web"}
    box["NetworkSettings"] = {"Networks": {}}
    assert as_docker(box, Context({}))["Config"]["Volumes"] == {"/data": {}}


def test_networks_have_their_names_and_the_aliases_that_were_asked_for() -> None:
    found = {"podman": {}, "net": {"Aliases": ["one", "0123456789ab"], "IPAddress": "10.0.0.9"}}
    asked = {"net": {"ipv4_address": "10.0.0.9"}}
    networks = shown("NetworkSettings.Networks", found, networks=asked)
    assert list(networks) == ["bridge", "net"]
    assert networks["net"]["Aliases"] == ["one"]
    assert networks["net"]["IPAMConfig"] == {"IPv4Address": "10.0.0.9"}


def test_what_it_never_shows_is_known_from_the_record() -> None:
    record = record_with("sysctls", {"a": "1"})
    path = "HostConfig.Sysctls"
    assert shown(path, None, record, sysctls={"a": "1"}) == {"a": "1"}
    assert shown(path, None, record, sysctls={"a": "2"}) not in ({"a": "2"}, None)
    assert shown(path, None, record) is not None
    assert shown(path, None, sysctls={"a": "1"}) is None


@pytest.mark.parametrize(
    "mode", ["pasta", "slirp4netns", "pasta:--map-gw", "slirp4netns:allow_host_loopback=true"]
)
def test_network_modes_of_users_who_are_not_root(mode: str) -> None:
    """They name no network that has to be there, and publish ports."""
    record = record_with("network_mode", mode)
    said = shown("HostConfig.NetworkMode", mode.partition(":")[0], record, network_mode=mode)
    assert said == mode
    options = {"name": "web", "image": "app:1", "network_mode": mode, "ports": ["80:80"]}
    checked = ArgumentSpecValidator(CONTAINER.spec()).validate(options)
    declared = CONTAINER.desired(checked.validated_parameters).declared
    assert declared["network_mode"] == mode
    assert not declared.get("networks")
    other = {**checked.validated_parameters, "links": ["db:db"]}
    with pytest.raises(InvalidOption, match=f"links: cannot be combined with network_mode: {mode}"):
        CONTAINER.desired(other)


def test_other_options_of_a_mode_are_seen() -> None:
    record = record_with("network_mode", "pasta:--map-gw")
    assert shown("HostConfig.NetworkMode", "pasta", record, network_mode="pasta:-4") == "pasta"


def test_a_mac_address_is_that_of_the_network_for_which_it_is_declared() -> None:
    networks = {"podman": {"MacAddress": "02:00:00:00:00:01"}, "front": {"MacAddress": "02:0a"}}
    wanted = {"mac_address": {"front": "02:0a"}}
    assert shown("NetworkSettings.Networks", networks, wanted_at="Config.MacAddress", **wanted) == (
        "02:0a"
    )
    assert shown(
        "NetworkSettings.Networks", networks, wanted_at="HostConfig.NetworkMode", **wanted
    ) == ("front")


def test_a_create_body_is_in_its_words() -> None:
    assert create_body({"MacAddress": "02:00:00:00:00:01"}) == {
        "NetworkingConfig": {"EndpointsConfig": {"podman": {"MacAddress": "02:00:00:00:00:01"}}}
    }
    made = create_body({"NetworkingConfig": {"EndpointsConfig": {"bridge": {"Links": []}}}})
    assert made["NetworkingConfig"]["EndpointsConfig"] == {"podman": {"Links": []}}
    host = create_body({"HostConfig": {"MaskedPaths": []}})["HostConfig"]
    assert host["SecurityOpt"] == ["unmask=all"]
    assert shown("HostConfig.SecurityOpt", ["unmask=all"]) == []


def test_what_other_options_bring_is_not_taken_for_declared() -> None:
    host = {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "40000"}]}}
    box = {"Id": "0", "Name": "/web", "Config": {}, "NetworkSettings": {"Networks": {}}}
    every = as_docker({**box, "HostConfig": {**host, "PublishAllPorts": True}}, Context({}))
    assert every["HostConfig"]["PortBindings"] == {}
    lent = {"VolumesFrom": ["db"], "Binds": ["data:/lent:rw", "own:/own:rw"]}
    context = Context({"volumes": {"/own": {}}}, record=record_with("volumes", {"/own": {}}))
    seen = as_docker({**box, "HostConfig": lent}, context)
    assert seen["HostConfig"]["Binds"] == ["own:/own"]


def record_with(option: str, value: Any) -> Dict[str, Any]:
    """Return a record of a container that was created with an option."""
    record: Dict[str, Any] = json.loads(_desired_record.encode_record("container/web", (), {}, {}))
    text = json.dumps(value, separators=(",", ":"))
    record["digests"][option] = ownership.digest(record["salt"], option, text)
    return record


def test_an_update_says_all_that_it_would_reset() -> None:
    assert update_body({"Memory": 1}, {"restart": ("on-failure", 3)}) == {
        "Memory": 1,
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
    }
    body = update_body({"NanoCpus": 500_000_000, "PidsLimit": 0}, {})
    assert (body["CpuPeriod"], body["CpuQuota"], body["PidsLimit"]) == (100_000, 50_000, 2048)
    assert "NanoCpus" not in body


@pytest.mark.parametrize(
    ("declared", "shown_dropped", "expected"),
    [
        ({"cap_drop": ("ALL",)}, sorted(DEFAULT), ["ALL"]),
        (
            {"cap_drop": ("ALL",), "cap_add": ("CHOWN",)},
            sorted(DEFAULT - {"CHOWN"}),
            ["ALL"],
        ),
        ({"cap_drop": ("ALL",)}, ["CHOWN"], ["CHOWN"]),
        ({"cap_drop": ("CHOWN",)}, ["CHOWN"], ["CHOWN"]),
    ],
)
def test_the_word_for_all_rights_is_what_it_stands_for(
    declared: Dict[str, Any], shown_dropped: Any, expected: Any
) -> None:
    assert shown("HostConfig.CapDrop", shown_dropped, **declared) == expected
