"""Releases of a stack on real engines: kept, returned to without a registry, and removed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import Client
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.raw_stream import Raw

from tests.lab.amounts import ways
from tests.lab.boxes import docker
from tests.lab.busybox import BUSYBOX
from tests.lab.engines import OWN, Engine
from tests.lab.playing import Play
from tests.lab.registry import Registry

TARGETS = os.environ.get("FLEET_ENGINES", "d29").split()
PROJECT = "fleet-releases"
RELEASES = "dockyard.fleet/releases"
SECRETS = ("hush-hush-of-the-variable", "hush-hush-of-the-secret")
COMPOSE = """
services:
  web:
    image: ${IMAGE}
    command: sleep 1d
    init: true
    scale: 2
    env_file: web.env
    secrets: [password]
    configs: [{source: site, target: /etc/site.conf}]
    depends_on: [db]
  db:
    image: dev/busybox:1
    command: sleep 1d
    init: true
    volumes: [data:/data]
volumes: {data: {}}
secrets: {password: {file: password.txt}}
configs: {site: {content: "${SITE}"}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "web.env").write_text(f"TOKEN={SECRETS[0]}\n")
    (tmp_path / "password.txt").write_text(SECRETS[1])
    return tmp_path


class Site:
    """The stack on one engine: plays about it, and what is there."""

    def __init__(self, folder: Path, socket: str, client: Client, via: str = "channel") -> None:
        self.play = Play(folder)
        self.client = client
        self._engine = {"engine_host": f"unix://{socket}", "engine_via": via}

    def task(self, image: str, check: bool = False, **params: Any) -> dict[str, Any]:
        options = {
            "name": PROJECT,
            "files": ["compose.yaml"],
            "env": {"IMAGE": image, "SITE": f"of {image}"},
            "monitor": "100ms",
            "keep_releases": 2,
        }
        task = {"dockyard.fleet.stack": {**self._engine, **options, **params}}
        return {**task, "check_mode": check}

    def gone(self) -> dict[str, Any]:
        task = {"name": PROJECT, "state": "absent", "destroy": ["data"]}
        return {"dockyard.fleet.stack": {**self._engine, **task}}

    def image(self) -> str:
        """Return the id of the image that the service web runs in all of its containers."""
        images = {self.web(number)["Image"] for number in (1, 2)}
        assert len(images) == 1
        return str(images.pop())

    def web(self, number: int = 1) -> dict[str, Any]:
        return dict(self.client.get(f"/containers/{PROJECT}-web-{number}/json"))

    def releases(self) -> list[str]:
        """Return the tags of releases of this project."""
        listed = self.client.get("/images/json")
        tags = [tag for image in listed for tag in image.get("RepoTags") or ()]
        prefix = f"{RELEASES}:{PROJECT}."
        return sorted(tag[len(prefix) :] for tag in tags if tag.startswith(prefix))

    def saved(self, serial: int) -> bytes:
        """Return all that an engine tells of a release, its label and its files."""
        name = f"{RELEASES}:{PROJECT}.{serial}"
        with Raw(self.client, "GET", f"/images/{name}/get") as raw:
            whole = b"".join(raw.pieces())
        return whole + json.dumps(self.client.get(f"/images/{name}/json")).encode()


def make_image(client: Client, reference: str, number: int) -> str:
    """Make an image on top of busybox, tell it from others by a label, and return its id."""
    made = client.post("/containers/create", None, {"Image": BUSYBOX})
    name, _colon, tag = reference.rpartition(":")
    query = {"container": made["Id"], "repo": name, "tag": tag, "changes": f"LABEL n={number}"}
    client.post("/commit", query, {})
    client.delete(f"/containers/{made['Id']}")
    return str(client.get(f"/images/{reference}/json")["Id"])


def check_rollback(site: Site, image: str, then: str, serial: int) -> float:
    """Go back, with a check before it and the same task after it; return the seconds it took."""
    check, again = site.task(image, check=True, rollback=True), site.task(image, rollback=True)
    (foreseen,) = site.play.run(check)
    begun = time.monotonic()
    (result,) = site.play.run(again)
    took = time.monotonic() - begun
    (same,) = site.play.run(again)
    results = (foreseen, result, same)
    assert [one["failed"] for one in results] == [False] * 3, [one.get("msg") for one in results]
    assert [one["changed"] for one in results] == [True, True, False]
    announced = [(step["address"], step["verb"]) for step in foreseen["plan"]["steps"]]
    made = [(step["address"], step["verb"]) for step in result["plan"]["steps"]]
    assert sorted(announced) == sorted(made)
    assert result["stack"]["release"]["serial"] == serial
    assert result["stack"]["release"]["images"]["web"]["id"] == then
    assert site.image() == then
    for secret in SECRETS:
        assert secret not in site.play.output + json.dumps(results)
    return took


def file_inside(site: Site, path: str) -> str:
    with Raw(site.client, "GET", f"/containers/{PROJECT}-web-1/archive", {"path": path}) as raw:
        return b"".join(raw.pieces()).decode("latin-1")


@pytest.fixture
def own(folder: Path) -> Iterator[Callable[[str], Site]]:
    """Return a function that gives the stack on the machine's own engine, by a way there."""
    client = Engine("own", OWN, folder).client()
    yield lambda via: Site(folder, OWN, client, via)
    Play(folder).run(Site(folder, OWN, client).gone())
    tags = docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    for tag in (tag for tag in tags if "/fleet-releases/" in tag):
        docker("rmi", tag)


@pytest.mark.parametrize("via", ways())
def test_back_with_the_registry_cut_off(
    tmp_path: Path,
    own: Callable[[str], Site],
    via: str,
    record_property: Callable[[str, object], None],
) -> None:
    site = own(via)
    with Registry(tmp_path) as registry:
        names = [f"{registry.address}/fleet-releases/app:{number}" for number in (1, 2)]
        ids = [make_image(site.client, name, number) for number, name in enumerate(names)]
        for name in names:
            docker("push", "-q", name)
            docker("rmi", name)
        first, second = site.play.run(
            site.task(names[0], definition=ALWAYS), site.task(names[1], definition=ALWAYS)
        )
    assert not first["failed"], first.get("msg")
    assert not second["failed"], second.get("msg")
    assert [one["stack"]["release"]["serial"] for one in (first, second)] == [1, 2]
    assert site.image() == ids[1]
    docker("rmi", names[0])
    docker("image", "prune", "-f", "--filter", "label=n=0")
    for secret in SECRETS:
        assert secret.encode() not in site.saved(1) + site.saved(2)
    took = check_rollback(site, names[1], ids[0], 1)
    record_property("rollback with the registry cut off, seconds", round(took, 1))
    print(f"\nrollback of 2 replicas with the registry cut off: {took:.1f} s with ansible-playbook")
    assert f"of {names[0]}" in file_inside(site, "/etc/site.conf")
    assert SECRETS[1] in file_inside(site, "/run/secrets/password")
    assert f"TOKEN={SECRETS[0]}" in site.web()["Config"]["Env"]
    forward, gone, absent = site.play.run(site.task(names[1]), site.gone(), site.gone())
    assert [forward["changed"], gone["changed"], absent["changed"]] == [True, True, False]
    assert forward["stack"]["release"]["images"]["web"]["id"] == ids[1]
    assert site.releases() == []


ALWAYS = {"services": {"web": {"pull_policy": "always"}}}


@pytest.mark.parametrize("name", TARGETS)
def test_a_tag_that_moves(folder: Path, engine_of: Callable[[str], Engine], name: str) -> None:
    """Of both stores of images, and of Podman: the image of a release stays, and comes back."""
    engine = engine_of(name)
    with engine.client() as client:
        site = Site(folder, engine.socket, client)
        image = "fleet-releases/app:1"
        try:
            ids = []
            for number in (1, 2, 3):
                ids.append(make_image(client, image, number))
                done, same = site.play.run(site.task(image), site.task(image))
                assert not done["failed"], done.get("msg")
                assert [done["changed"], same["changed"]] == [True, False], same["plan"]["text"]
            assert len(set(ids)) == 3
            whole = [f"{n}{suffix}" for n in (2, 3) for suffix in ("", ".db", ".web")]
            assert site.releases() == sorted(whole)
            client.post("/images/prune", {"filters": {"label": ["n"]}})
            for secret in SECRETS:
                assert secret.encode() not in site.saved(2) + site.saved(3)
            check_rollback(site, image, ids[1], 2)
            assert site.releases() == ["2", "2.db", "2.web"]
        finally:
            gone, absent = site.play.run(site.gone(), site.gone())
            client.discard(f"/images/{image}")
        assert not gone["failed"], gone.get("msg")
        assert [gone["changed"], absent["changed"]] == [True, False]
        assert site.releases() == []
        left = [
            entry for entry in client.get("/images/json") if (entry.get("Labels") or {}).get("n")
        ]
        assert left == []
