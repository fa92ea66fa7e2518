"""The inventory plugin, in plays against fake engines: hosts, groups, variables, cache, faults."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.asking import Desk
from tests.lab.fake_engine import FakeEngine
from tests.lab.listed import Listed, listed
from tests.lab.playbook import home

# As local hosts, whose engines are told apart by a variable.
SOURCE = {"hosts": "servers", "engine_host": "{{ engine }}"}
COMPOSE = "com.docker.compose"


def create(fake: FakeEngine, name: str, *, start: bool = True, **body: Any) -> None:
    with Client(unix_dial(fake.socket_path), 5) as client:
        client.post("/containers/create", {"name": name}, {"Image": "shop/web:1", **body})
        if start:
            client.post(f"/containers/{name}/start")


def host_of(fake: FakeEngine) -> dict[str, Any]:
    return {"ansible_connection": "local", "engine": f"unix://{fake.socket_path}"}


@pytest.fixture
def fakes() -> Iterator[dict[str, FakeEngine]]:
    with FakeEngine() as one, FakeEngine() as two:
        for fake in (one, two):
            fake.add_image("shop/web:1", behaviour="healthy", healthcheck={"Test": ["CMD", "ok"]})
            labels = {f"{COMPOSE}.project": "shop", f"{COMPOSE}.service": "web", "tier": "front"}
            create(fake, "web", Env=["TOKEN=canary"], Labels=labels)
        create(two, "old", start=False)
        yield {"one": one, "two": two}


@pytest.fixture
def desk(fakes: dict[str, FakeEngine], tmp_path: Path) -> Desk:
    return desk_of({name: host_of(fake) for name, fake in fakes.items()}, tmp_path)


def desk_of(hosts: dict[str, dict[str, Any]], folder: Path) -> Desk:
    """Return a desk whose hosts are in the group `servers`, in a source of its own."""
    (folder / "servers.yml").write_text(json.dumps({"servers": {"hosts": hosts}}))
    # The same for all tests, so that one process runs their plays.
    control = Path(home()) / "cp"
    return Desk(folder, {}, control, {"ANSIBLE_HOME": home()})


def look(desk: Desk, *options: str, **source: Any) -> Listed:
    # Sources are read in the order in which they are given.
    return listed(desk, {**SOURCE, **source}, "-i", str(desk.folder / "servers.yml"), *options)


def test_containers_are_hosts_that_are_told_apart_and_grouped(desk: Desk) -> None:
    seen = look(desk, group_by_labels=["tier"])
    both = {"web.one", "web.two"}
    assert seen.containers() == both
    groups = ["project_shop", "service_web", "image_shop_web_1", "health_healthy"]
    assert all(set(seen.groups[name]) == both for name in [*groups, "label_tier_front"])
    assert seen.groups["host_one"] == ["web.one"]
    web = seen.hosts["web.two"]
    assert web["ansible_connection"] == "dockyard.fleet.container"
    assert web["ansible_container_name"] == web["container_name"] == "web"
    assert web["container_host"] == "two"
    assert web["ansible_container_engine_host"] == seen.hosts["two"]["engine"]
    assert web["container_labels"]["tier"] == "front"


def test_no_variable_of_a_containers_environment_is_told(desk: Desk) -> None:
    seen = look(desk)
    assert seen.containers()
    assert "canary" not in json.dumps(seen.hosts)


def test_other_states_and_filters_are_chosen(desk: Desk) -> None:
    everything = look(desk, states=["created", "running"])
    assert everything.containers() == {"web.one", "web.two", "old.two"}
    filtered = look(desk, states=["created", "running"], filters={"name": ["^o"]})
    assert filtered.containers() == {"old.two"}


def test_groups_and_variables_are_constructed(desk: Desk) -> None:
    seen = look(
        desk,
        keyed_groups=[{"prefix": "tier", "key": "container_labels.tier"}],
        groups={"healthy": "container_health == 'healthy'", "late": "late_word == 'web!'"},
        compose={"late_word": "container_name ~ '!'"},
        hostname="container_host ~ '-' ~ container_name",
        group="boxes",
    )
    both = {"one-web", "two-web"}
    for name in ("boxes", "tier_front", "healthy", "late"):
        assert set(seen.groups[name]) == both, name
    assert seen.hosts["one-web"]["late_word"] == "web!"


def test_strict_makes_a_wrong_expression_an_error(desk: Desk) -> None:
    wrong: dict[str, Any] = {"compose": {"word": "container_labels.none_such.at_all"}}
    lax, strict = look(desk, **wrong), look(desk, **wrong, strict=True)
    assert lax.containers()
    assert "word" not in lax.hosts["web.one"]
    assert "web.two" not in strict.hosts
    assert "Could not set word for host web.one" in " ".join(strict.output.split())


def test_variables_beside_the_inventory_count(fakes: dict[str, FakeEngine], tmp_path: Path) -> None:
    """As in a play: those of groups, in files that are read late, and templates."""
    path = fakes["one"].socket_path
    hosts = {"one": {"ansible_connection": "{{ 'local' }}"}}
    (tmp_path / "group_vars").mkdir()
    text = json.dumps({"socket": path, "engine": "unix://{{ socket }}"})
    (tmp_path / "group_vars/all.yml").write_text(text)
    assert look(desk_of(hosts, tmp_path)).containers() == {"web.one"}


def test_labels_are_never_templates(fakes: dict[str, FakeEngine], desk: Desk) -> None:
    hostile = "{{ lookup('pipe', 'id') }}"
    create(fakes["one"], "bad", Labels={"tier": hostile, f"{COMPOSE}.project": hostile})
    seen = look(
        desk,
        group_by_labels=["tier"],
        keyed_groups=[{"prefix": "k", "key": "container_labels.tier"}],
        compose={"copy": "container_labels.tier"},
    )
    bad = seen.hosts["bad.one"]
    assert bad["container_project"] == bad["copy"] == hostile
    assert not [name for name in seen.groups if not name.replace("_", "").isalnum()]
    assert "uid=" not in json.dumps([seen.groups, seen.hosts])


def test_no_container_takes_the_place_of_a_host_or_a_group(
    fakes: dict[str, FakeEngine], desk: Desk
) -> None:
    for name in ("two", "servers", "localhost", "all"):
        create(fakes["one"], name)
    seen = look(desk, hostname="container_name", hosts="one")
    assert seen.containers() == {"web"}
    assert "container_name" not in seen.hosts["two"]
    for text in ("is a host two already", "is a group servers", "is a host localhost already"):
        assert text in " ".join(seen.output.split()), seen.output
    again = look(desk, hostname="container_name", hosts="one", strict=True)
    assert "Failed to parse" in again.output


def test_a_host_that_does_not_answer_is_a_warning(desk: Desk, tmp_path: Path) -> None:
    hosts = json.loads((tmp_path / "servers.yml").read_text())["servers"]["hosts"]
    hosts["gone"] = {"ansible_connection": "local", "engine": f"unix://{tmp_path}/none.sock"}
    hosts["odd"] = {"ansible_connection": "winrm"}
    hosts["unclear"] = {"ansible_connection": "local"}  # without the variable of engine_host
    desk = desk_of(hosts, tmp_path)
    words = (
        "containers of gone cannot",
        "containers of odd cannot",
        "containers of unclear cannot",
    )
    seen = look(desk)
    assert seen.containers() == {"web.one", "web.two"}
    assert [word for word in words if word not in " ".join(seen.output.split())] == []
    assert f"{tmp_path}/none.sock" in seen.output.replace("\n", "")
    quiet = look(desk, unreachable="ignore")
    assert quiet.containers() == {"web.one", "web.two"}
    assert "cannot be read" not in quiet.output
    failed = look(desk, unreachable="fail")
    assert not failed.containers()
    assert [word for word in words if word not in " ".join(failed.output.split())] == []


def test_a_host_that_hangs_holds_up_nobody_for_long(desk: Desk, tmp_path: Path) -> None:
    hosts = json.loads((tmp_path / "servers.yml").read_text())["servers"]["hosts"]
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{tmp_path}/silent")
        silent.listen()
        hosts["slow"] = {"ansible_connection": "local", "engine": f"unix://{tmp_path}/silent"}
        begin = time.monotonic()
        seen = look(desk_of(hosts, tmp_path), timeout=1)
        took = time.monotonic() - begin
    assert seen.containers() == {"web.one", "web.two"}
    assert "slow cannot be read: it did not answer within 1 s" in " ".join(seen.output.split())
    assert took < 30, "the engine's own patience is a minute"


def test_the_cache_answers_until_something_else_is_asked(
    fakes: dict[str, FakeEngine], desk: Desk, tmp_path: Path
) -> None:
    cache = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(tmp_path / "cache"),
    }
    first = look(desk, **cache)
    create(fakes["one"], "new")
    assert first.containers() == look(desk, **cache).containers() == {"web.one", "web.two"}
    kept = "".join(path.read_text() for path in (tmp_path / "cache").iterdir())
    assert "canary" not in kept
    assert "new.one" in look(desk, "--flush-cache", **cache).containers()
    create(fakes["two"], "newer")
    assert look(desk, **cache, filters={"name": ["new"]}).containers() == {"new.one", "newer.two"}
    assert look(desk, **cache, cache_timeout=3600).containers() == {"new.one", "web.one"} | {
        "newer.two",
        "web.two",
    }


def test_what_a_cache_holds_is_checked(
    fakes: dict[str, FakeEngine], desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    cache = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(folder),
    }
    look(desk, **cache)
    (path,) = folder.iterdir()
    path.write_text(path.read_text().replace('"container_labels"', '"container_label"'))
    assert look(desk, **cache).containers() == {"web.one", "web.two"}


def test_wrong_options_are_told_together(desk: Desk) -> None:
    seen = look(desk, timeout=0, forks=1000, filters={"nam": ["x"]}, host="servers")
    text = " ".join(seen.output.split())
    for word in (
        "timeout: 0 is not usable",
        "forks: 1000 is not usable",
        "filters.nam: unknown option",
    ):
        assert word in text
    assert "host: unknown option" in text
    assert not seen.containers()


def test_a_pattern_without_hosts_says_that_the_order_counts(desk: Desk) -> None:
    seen = look(desk, hosts="nowhere")
    assert "no docker host matches nowhere" in " ".join(seen.output.split())
