"""What says nothing about a stack causes no step, and what does causes one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.resource import STACK
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.project import with_project

from tests.lab.core import run_validated, validated
from tests.lab.fake_engine import FakeEngine

COMPOSE = """
services:
  web:
    image: app:1
    env_file: web.env
    environment: {A: "1", B: "2"}
    labels: {one: "1", two: "2"}
    ports: ["8080:80", "8081:81"]
    networks: [front, back]
    configs: [site, other]
    secrets: [password, token]
  built:
    build: ./built
networks: {front: {}, back: {}}
configs:
  site: {file: site.conf}
  other: {content: other}
secrets:
  password: {file: password.txt}
  token: {file: token.txt}
"""
FILES = {
    "compose.yaml": COMPOSE,
    "web.env": "TOKEN=hush\nLOG=info\n",
    "site.conf": "site",
    "password.txt": "hush",
    "token.txt": "hush-too",
    "built/Dockerfile": "FROM app:1\nCOPY page /page\n",
    "built/page": "page",
}


# A release more would be a step, too.
KEEP = {"keep_releases": 2}


class Stand:
    """A fake engine, and a folder with the project's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fake = FakeEngine(api="1.44")
        self.params: dict[str, Any] = {"files": ["compose.yaml"]}
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def run(self) -> dict[str, Any]:
        given = {"name": "shop", "monitor": "20ms", **KEEP, **self.params}
        options = validated(STACK.spec(), given, known=True)
        place = str(self.folder)
        loader = SimpleNamespace(get_basedir=lambda: place, get_real_file=lambda path: path)
        options = with_project(options, loader)
        result = run_validated(STACK, options, self.client)
        assert not result.get("failed"), result["msg"]
        return result

    def client(self) -> Client:
        return Client(unix_dial(self.fake.socket_path), 10)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    folder = tmp_path / "checkout"
    folder.mkdir()
    made = Stand(folder)
    with made.fake:
        made.fake.add_image("app:1")
        assert made.run()["changed"] is True
        yield made


def another_path_of_the_same_env_file(stand: Stand) -> None:
    (stand.folder / "web.env").rename(stand.folder / "values.env")
    stand.edit("compose.yaml", "env_file: web.env", "env_file: [./values.env]")


def another_path_of_the_project_folder(stand: Stand) -> None:
    (stand.folder / "deploy").mkdir()
    for name in FILES:
        if "/" not in name:
            (stand.folder / name).rename(stand.folder / "deploy" / name)
    (stand.folder / "built").rename(stand.folder / "deploy" / "built")
    stand.params["files"] = ["deploy/compose.yaml"]


def another_folder_on_the_host_that_nothing_is_mounted_from(stand: Stand) -> None:
    stand.params["project_dir"] = "/srv/elsewhere"


def reordered(old: str, new: str) -> Callable[[Stand], None]:
    def change(stand: Stand) -> None:
        stand.edit("compose.yaml", old, new)

    return change


def a_moved_checkout(stand: Stand) -> None:
    stand.folder = stand.folder.rename(stand.folder.parent / "elsewhere")


def a_copied_checkout(stand: Stand) -> None:
    moved = stand.folder.parent / "other" / "deeper"
    shutil.copytree(stand.folder, moved)
    stand.folder = moved


def other_times_of_files(stand: Stand) -> None:
    for path in stand.folder.rglob("*"):
        os.utime(path, (1, 1))


def another_users_umask(stand: Stand) -> None:
    """As another user has checked it out, who lets a group write."""
    for path in stand.folder.rglob("*"):
        path.chmod(0o775 if path.is_dir() else 0o664)


def a_narrow_umask(stand: Stand) -> None:
    """As another user has checked it out, who lets nobody else read."""
    for path in stand.folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def another_spelling(stand: Stand) -> None:
    stand.edit("compose.yaml", 'environment: {A: "1", B: "2"}', "environment: [A=1, B=2]")
    stand.edit("compose.yaml", '"8080:80"', "{target: 80, published: 8080}")
    stand.edit("compose.yaml", "site: {file: site.conf}", "site: {content: site}")


def a_label_that_another_tool_added(stand: Stand) -> None:
    """As a tool makes a container anew that has all of its labels, and one more."""
    for container in stand.fake.containers.values():
        container["Config"]["Labels"]["com.example.tool"] = "1"


def a_healed_restart_of_the_engine(stand: Stand) -> None:
    """Its containers run again, by themselves or since somebody has started them."""
    with stand.client() as client:
        for one in client.get("/containers/json"):
            client.post(f"/containers/{one['Id']}/restart")


NEEDLESS: dict[str, Callable[[Stand], None]] = {
    "another path of the same env file": another_path_of_the_same_env_file,
    "another path of the project folder": another_path_of_the_project_folder,
    "another project_dir": another_folder_on_the_host_that_nothing_is_mounted_from,
    "the order of variables": reordered('A: "1", B: "2"', 'B: "2", A: "1"'),
    "the order of secrets": reordered("[password, token]", "[token, password]"),
    "the order of configs": reordered("[site, other]", "[other, site]"),
    "the order of labels": reordered('one: "1", two: "2"', 'two: "2", one: "1"'),
    "the order of networks": reordered("[front, back]", "[back, front]"),
    "the order of ports": reordered('"8080:80", "8081:81"', '"8081:81", "8080:80"'),
    "a moved checkout": a_moved_checkout,
    "a copied checkout": a_copied_checkout,
    "a file's times": other_times_of_files,
    "another user's umask": another_users_umask,
    "a narrow umask": a_narrow_umask,
    "another spelling": another_spelling,
    "a label that another tool added": a_label_that_another_tool_added,
    "a healed restart of the engine": a_healed_restart_of_the_engine,
}


@pytest.mark.parametrize("word", NEEDLESS)
def test_what_says_nothing_causes_no_step(stand: Stand, word: str) -> None:
    NEEDLESS[word](stand)
    result = stand.run()
    assert result["plan"]["steps"] == [], result["plan"]["text"]


@pytest.mark.parametrize(
    ("name", "old", "new", "cause"),
    [
        ("site.conf", "site", "another", "configs./site: changed"),
        ("compose.yaml", "content: other", "content: another", "configs./other: changed"),
        ("password.txt", "hush", "another", "secrets./run/secrets/password: changed"),
        ("web.env", "info", "debug", "secret_environment.LOG"),
        ("built/page", "page", "another", "context: page changed"),
        ("built/Dockerfile", "/page", "/other", "context: Dockerfile changed"),
        ("compose.yaml", ', B: "2"', "", "environment.B: ******** → none"),
        ("compose.yaml", ', two: "2"', "", "labels.two: ******** → none"),
        ("compose.yaml", ', "8081:81"', "", "ports.81/tcp: 8081 → none"),
        ("compose.yaml", "configs: [site, other]", "configs: [site]", "configs./other: set → none"),
        ("compose.yaml", "secrets: [password, token]", "secrets: [password]", "set → none"),
        ("compose.yaml", "    env_file: web.env\n", "", "secret_environment.TOKEN"),
    ],
    ids=[
        "content of a config's file",
        "content of a config",
        "content of a secret",
        "content of an env file",
        "content of a build context",
        "content of a Dockerfile",
        "a variable dropped",
        "a label dropped",
        "a port dropped",
        "a config dropped",
        "a secret dropped",
        "an env file dropped",
    ],
)
def test_what_does_causes_one(stand: Stand, name: str, old: str, new: str, cause: str) -> None:
    stand.edit(name, old, new)
    result = stand.run()
    text = result["plan"]["text"]
    assert cause in text
    assert "hush" not in text
    service = "built" if name.startswith("built") else "web"
    names = {step["address"] for step in result["plan"]["steps"]}
    assert {at for at in names if at.startswith("container/")} == {f"container/shop-{service}-1"}
    assert stand.run()["plan"]["steps"] == []
