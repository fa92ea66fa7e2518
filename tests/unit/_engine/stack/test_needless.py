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
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def run(self, folder: Path | None = None, **params: Any) -> dict[str, Any]:
        given = {"name": "shop", "files": ["compose.yaml"], "monitor": "20ms", **KEEP, **params}
        options = validated(STACK.spec(), given, known=True)
        place = str(folder or self.folder)
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


def another_env_file(stand: Stand) -> None:
    """The same content under another path."""
    (stand.folder / "web.env").rename(stand.folder / "values.env")
    stand.edit("compose.yaml", "env_file: web.env", "env_file: [./values.env]")


def another_order(stand: Stand) -> None:
    for old, new in (
        ('A: "1", B: "2"', 'B: "2", A: "1"'),
        ('one: "1", two: "2"', 'two: "2", one: "1"'),
        ('"8080:80", "8081:81"', '"8081:81", "8080:80"'),
        ("[front, back]", "[back, front]"),
        ("[site, other]", "[other, site]"),
        ("[password, token]", "[token, password]"),
    ):
        stand.edit("compose.yaml", old, new)


def other_times(stand: Stand) -> None:
    for path in stand.folder.rglob("*"):
        os.utime(path, (1, 1))


def another_umask(stand: Stand) -> None:
    """As another user has checked it out, who lets a group write."""
    for path in stand.folder.rglob("*"):
        path.chmod(0o775 if path.is_dir() else 0o664)


def another_spelling(stand: Stand) -> None:
    stand.edit("compose.yaml", 'environment: {A: "1", B: "2"}', "environment: [A=1, B=2]")
    stand.edit("compose.yaml", '"8080:80"', "{target: 80, published: 8080}")
    stand.edit("compose.yaml", "site: {file: site.conf}", "site: {content: site}")


def a_restart_of_the_engine(stand: Stand) -> None:
    """Its containers run again, by themselves or since somebody has started them."""
    with stand.client() as client:
        for one in client.get("/containers/json"):
            client.post(f"/containers/{one['Id']}/restart")


@pytest.mark.parametrize(
    "change",
    [
        another_env_file,
        another_order,
        other_times,
        another_umask,
        another_spelling,
        a_restart_of_the_engine,
    ],
)
def test_what_says_nothing_causes_no_step(stand: Stand, change: Callable[[Stand], None]) -> None:
    change(stand)
    result = stand.run()
    assert result["plan"]["steps"] == [], result["plan"]["text"]


def test_a_moved_checkout_causes_no_step(stand: Stand, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "deeper"
    shutil.copytree(stand.folder, moved)
    result = stand.run(moved)
    assert result["plan"]["steps"] == [], result["plan"]["text"]


@pytest.mark.parametrize(
    ("name", "old", "new", "cause"),
    [
        ("site.conf", "site", "another", "configs./site: changed"),
        ("password.txt", "hush", "another", "secrets./run/secrets/password: changed"),
        ("web.env", "info", "debug", "secret_environment.LOG"),
        ("built/page", "page", "another", "context: page changed"),
        ("compose.yaml", ', B: "2"', "", "environment.B: ******** → none"),
        ("compose.yaml", "    env_file: web.env\n", "", "secret_environment.TOKEN"),
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
