"""Images that are called by their ids: tagged, saved and removed, never pulled."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


def twice(fake: FakeEngine, **params: Any) -> Dict[str, Any]:
    """Check, apply, and apply again: what apply did was foreseen, and is all there is to do."""
    check = do(IMAGE, fake.socket_path, check=True, **params)
    result = do(IMAGE, fake.socket_path, **params)
    assert not result.get("failed"), result["msg"]
    assert result["plan"]["text"] == check["plan"]["text"]
    assert do(IMAGE, fake.socket_path, **params)["changed"] is False
    return result


@pytest.mark.parametrize("spelled", [str, lambda ident: ident[7:]])
def test_an_image_without_a_name_is_tagged_and_saved_by_its_id(
    fake: FakeEngine, tmp_path: Path, spelled: Any
) -> None:
    ident = fake.add_image("app:1")
    fake.images[ident]["RepoTags"].clear()
    path = str(tmp_path / "app.tar")
    result = twice(fake, name=spelled(ident), tags=["app:2"], save=path)
    assert result["image"]["tags"] == ["app:2"]
    assert result["image"]["Id"] == result["image"]["id"] == ident
    assert Path(path).stat().st_size > 0


def test_an_image_goes_by_its_id_with_all_of_its_tags(fake: FakeEngine) -> None:
    ident = fake.add_image("app:1", seed="same")
    with Client(unix_dial(fake.socket_path), 5) as client:
        client.post("/images/app:1/tag", {"repo": "more", "tag": "2"})
    fake.add_image("other:1", seed="other")
    result = twice(fake, name=ident, state="absent")
    assert "state: absent, with app:1, more:2 [destroy]" in result["plan"]["text"]
    assert (fake.image("app:1"), fake.image("more:2")) == (None, None)
    assert fake.image("other:1") is not None


def test_an_image_that_is_used_does_not_go_by_its_id(fake: FakeEngine) -> None:
    ident = fake.add_image("app:1")
    with Client(unix_dial(fake.socket_path), 5) as client:
        client.post("/images/app:1/tag", {"repo": "more", "tag": "2"})
        client.post("/containers/create", {"name": "web"}, {"Image": "app:1"})
    result = do(IMAGE, fake.socket_path, name=ident, state="absent")
    assert "refused: used by web; remove the containers, or set force: true" in result["msg"]
    assert fake.image("more:2") is not None


def test_the_image_is_described_as_the_engine_does(fake: FakeEngine) -> None:
    ident = fake.add_image("app:1", cmd=["serve"], env={"A": "1"})
    fake.images[ident]["ContainerConfig"] = {"Cmd": ["|1", "PASSWORD=canary"]}
    image = do(IMAGE, fake.socket_path, name="app:1")["image"]
    assert image["Config"]["Cmd"] == ["serve"]
    assert image["RepoTags"] == image["tags"] == ["app:1"]
    assert "ContainerConfig" not in image
