"""From the option cloud_init to the files that a guest reads, as YAML 1.1 as cloud-init does."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.cloud_init.config import (
    HostKey,
    completion_line,
    digest,
    host_key_of,
    seed_files,
    validate,
)

KEY = HostKey(
    "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublic web01",
)
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublic ann@desk"
# What YAML 1.1 reads otherwise than JSON, unless it is written with care.
TRAPS = {
    "words": ["no", "on", "1e3", "0644", "~", "", "22:22", "2026-01-01", "# no comment", "a: b"],
    "signs": 'tab\tquote"back\\slash\nline\r\nnul\0del\x7fnel\x85ls\u2028bom\ufeffend\uffff',
    "beyond": "\U0001f433 ship, \xe9, \u4e2d",
    "numbers": [0, -1, 1.5, 2**40, True, None],
    "nested": {"a": {"b": [{"c": []}, {}]}},
}


def files_of(cloud_init: dict[str, Any], **other: Any) -> dict[str, bytes]:
    given = {"name": "web01", "instance_id": "u-1", "host_key": KEY, "token": "t0k", **other}
    return seed_files(cloud_init, **given)


def config(content: bytes) -> dict[str, Any]:
    """Return cloud-config as cloud-init reads it."""
    assert content.startswith(b"#cloud-config\n")
    read = yaml.safe_load(content)
    assert isinstance(read, dict)
    return read


def test_a_machine_with_nothing_declared_gets_its_name_and_its_host_key() -> None:
    files = files_of({})
    assert sorted(files) == ["meta-data", "user-data"]
    assert yaml.safe_load(files["meta-data"]) == {"instance-id": "u-1", "local-hostname": "web01"}
    assert config(files["user-data"]) == {
        "final_message": completion_line("t0k"),
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": KEY.private, "ed25519_public": KEY.public + "\n"},
    }


def test_values_reach_the_guest_unchanged() -> None:
    files = files_of({"user_data": TRAPS, "meta_data": TRAPS})
    user, meta = config(files["user-data"]), yaml.safe_load(files["meta-data"])
    assert {key: user[key] for key in TRAPS} == TRAPS
    assert {key: meta[key] for key in TRAPS} == TRAPS


def test_shortcuts_stand_beside_the_user_data() -> None:
    shortcuts = {
        "hostname": "web",
        "fqdn": "web.example.org",
        "users": ["default", {"name": "ops", "ssh_authorized_keys": [PUBLIC]}],
        "ssh_authorized_keys": [PUBLIC, f'from="192.0.2.1",no-pty {PUBLIC}'],
        "packages": ["nginx", ["jq", "1.6"], {"snap": ["core"]}],
        "runcmd": ["date", ["echo", 1]],
        "write_files": [{"path": "/etc/motd", "content": "hi", "permissions": "0644"}],
    }
    files = files_of({"user_data": {"timezone": "UTC"}, **shortcuts})
    user = config(files["user-data"])
    assert {key: user[key] for key in shortcuts} == shortcuts
    assert user["timezone"] == "UTC"
    assert yaml.safe_load(files["meta-data"])["local-hostname"] == "web"


def test_the_image_keeps_its_user_unless_users_says_otherwise() -> None:
    assert "users" not in config(files_of({"ssh_authorized_keys": [PUBLIC]})["user-data"])
    assert config(files_of({"users": [{"name": "a"}]})["user-data"])["users"] == [{"name": "a"}]


def test_a_script_stays_as_it_is_and_host_keys_come_beside_it() -> None:
    script = "#!/bin/sh\necho é\n"
    files = files_of({"user_data": script, "packages": ["jq"]})
    assert files["user-data"] == script.encode()
    vendor = config(files["vendor-data"])
    assert vendor["ssh_keys"]["ed25519_private"] == KEY.private
    assert vendor["final_message"] == completion_line("t0k")
    assert vendor["packages"] == ["jq"]


def test_a_final_message_of_the_users_is_kept() -> None:
    user = config(files_of({"user_data": {"final_message": "up after $UPTIME"}})["user-data"])
    assert user["final_message"].splitlines() == ["up after $UPTIME", completion_line("t0k")]


def test_network_config_has_no_wrapper() -> None:
    inner = {"version": 2, "ethernets": {"lan": {"dhcp4": True}}}
    for given in (inner, {"network": inner}):
        assert yaml.safe_load(files_of({"network_config": given})["network-config"]) == inner


def test_a_host_name_of_the_meta_data_wins() -> None:
    meta = yaml.safe_load(files_of({"meta_data": {"local-hostname": "db"}})["meta-data"])
    assert meta == {"instance-id": "u-1", "local-hostname": "db"}


@pytest.mark.parametrize("user_data", [{"a": 1}, "#!/bin/sh\n", "#cloud-config\na: 1\n"])
def test_the_host_key_is_found_again(user_data: Any) -> None:
    assert host_key_of(files_of({"user_data": user_data})) == KEY
    assert host_key_of(files_of({"user_data": user_data}, host_key=None)) is None


def test_a_private_key_ends_in_a_newline() -> None:
    bare = KEY._replace(private=KEY.private.rstrip())
    user = config(files_of({}, host_key=bare)["user-data"])
    assert user["ssh_keys"]["ed25519_private"] == KEY.private


def test_files_of_no_seed_hold_no_host_key() -> None:
    for content in (b"", b"#cloud-config\nssh_keys: {", b"#cloud-config\n[]", b"\xff"):
        assert host_key_of({"user-data": content}) is None


def test_a_host_key_is_not_printed() -> None:
    assert "AAAA\n" not in f"{KEY} {KEY!r}"
    assert "PRIVATE" not in f"{KEY} {[KEY]}"
    assert KEY.public in repr(KEY)


def test_the_digest_tells_names_and_contents_apart() -> None:
    assert digest({"a": b"1", "b": b"2"}) == digest({"b": b"2", "a": b"1"})
    different = [
        {"a": b"1"},
        {"b": b"1"},
        {"a": b"2"},
        {"a": b"", "b": b"1"},
        {"a": b"1", "b": b""},
    ]
    assert len({digest(files) for files in different}) == len(different)


BAD: list[tuple[Any, str, str]] = [
    ("text", "cloud_init", "it is text"),
    (["a"], "cloud_init", "it is a list"),
    ({"usr_data": {}}, "cloud_init.usr_data", "did you mean user_data"),
    ({"vendor_data": {}}, "cloud_init.vendor_data", "unknown option"),
    ({"user_data": ["a"]}, "cloud_init.user_data", "it is a list"),
    ({"user_data": "runcmd: [date]"}, "cloud_init.user_data", "neither a mapping nor text"),
    ({"user_data": "# cloud-config\n"}, "cloud_init.user_data", "neither a mapping nor text"),
    ({"user_data": {1: 2}}, "cloud_init.user_data", "keys is not text"),
    ({"user_data": {"a": float("nan")}}, "cloud_init.user_data", "cannot be written"),
    ({"user_data": {"a": "\ud83d"}}, "cloud_init.user_data", "cannot be written"),
    ({"user_data": "#!\ud83d"}, "cloud_init.user_data", "cannot be written"),
    ({"user_data": {"a": {1}}}, "cloud_init.user_data", "cannot be written"),
    ({"user_data": {"ssh_keys": {}}}, "cloud_init.user_data.ssh_keys", "leave it out"),
    ({"user_data": {"final_message": 1}}, "cloud_init.user_data.final_message", "of type int"),
    ({"user_data": "#cloud-config\nssh_keys:\n"}, "cloud_init.user_data", "sets ssh_keys"),
    ({"user_data": "#cloud-config\n'final_message': a"}, "cloud_init.user_data", "as a mapping"),
    ({"user_data": {"runcmd": []}, "runcmd": ["a"]}, "cloud_init.runcmd", "in user_data too"),
    ({"user_data": "#cloud-config\n", "runcmd": ["a"]}, "cloud_init.runcmd", "cannot be merged"),
    ({"meta_data": {"instance-id": "x"}}, "cloud_init.meta_data.instance-id", "leave it out"),
    ({"meta_data": "a"}, "cloud_init.meta_data", "it is text"),
    ({"network_config": {}}, "cloud_init.network_config.version", "neither 1 nor 2"),
    ({"network_config": {"network": []}}, "cloud_init.network_config.network", "a list"),
    ({"hostname": "a b"}, "cloud_init.hostname", "not a host name"),
    ({"hostname": ""}, "cloud_init.hostname", "it is empty"),
    ({"fqdn": 1}, "cloud_init.fqdn", "of type int"),
    ({"users": "ops"}, "cloud_init.users", "write a list"),
    ({"users": ["default", {"groups": "a"}]}, "cloud_init.users[1]", "it has no name"),
    ({"users": [7]}, "cloud_init.users[0]", "of type int"),
    (
        {"users": [{"name": "a", "ssh_authorized_keys": ["~/.ssh/id.pub"]}]},
        "cloud_init.users[0].ssh_authorized_keys[0]",
        "not a public key",
    ),
    ({"ssh_authorized_keys": PUBLIC}, "cloud_init.ssh_authorized_keys", "write a list"),
    ({"ssh_authorized_keys": [KEY.private]}, "cloud_init.ssh_authorized_keys[0]", "not a public"),
    (
        {"ssh_authorized_keys": [PUBLIC], "users": [{"name": "a"}]},
        "cloud_init.ssh_authorized_keys",
        "add default to users",
    ),
    ({"packages": [1]}, "cloud_init.packages[0]", "of type int"),
    ({"runcmd": [["echo", {}]]}, "cloud_init.runcmd[0][1]", "not text"),
    ({"runcmd": [None]}, "cloud_init.runcmd[0]", "write a command"),
    ({"users": [{"name": "x", "sodu": "ALL"}]}, "cloud_init.users[0].sodu", "shell, snapuser"),
    (
        {"write_files": [{"path": "/a", "contents": "x"}]},
        "cloud_init.write_files[0].contents",
        "mean content?",
    ),
    (
        {"write_files": [{"path": "/a", "content": {}}]},
        "cloud_init.write_files[0].content",
        "write text",
    ),
    ({"write_files": [{"path": "etc"}]}, "cloud_init.write_files[0].path", "not absolute"),
    (
        {"write_files": [{"path": "/a", "permissions": 420}]},
        "cloud_init.write_files[0].permissions",
        "in quotes",
    ),
]


@pytest.mark.parametrize(
    ("cloud_init", "option", "words"), BAD, ids=[option for _given, option, _words in BAD]
)
def test_what_cannot_be_right_is_refused_by_its_name(
    cloud_init: Any, option: str, words: str
) -> None:
    with pytest.raises(InvalidOption) as caught:
        validate(cloud_init)
    assert caught.value.option == option
    assert words in str(caught.value)
    assert "AAAA\n" not in str(caught.value)


@pytest.mark.parametrize(
    "cloud_init",
    [
        {},
        {"user_data": None, "users": None},
        {"user_data": "#!/bin/sh\nssh_keys: 1\n"},
        {"user_data": "#include\nhttps://example.org/user-data\n"},
        {"user_data": "## template: jinja\n#cloud-config\n{}"},
        {"user_data": {"disable_root": False}, "users": [], "ssh_authorized_keys": [PUBLIC]},
        {"hostname": "web_01"},
    ],
)
def test_what_cloud_init_understands_is_taken(cloud_init: dict[str, Any]) -> None:
    validate(cloud_init)
