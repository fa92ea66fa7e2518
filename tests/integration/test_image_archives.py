"""An archive of Docker's own form on other engines: each knows an image by an id of its own."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Callable

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE

from tests.lab.agree import agree
from tests.lab.core import run_validated, validated
from tests.lab.engines import Engine
from tests.lab.fake_origin import FakeOrigin
from tests.lab.fieldnetvol import VolumeField
from tests.lab.fieldwork import Field

# An engine that keeps images in containerd makes a manifest for it, and knows the image by that.
TARGETS = os.environ.get("FLEET_ENGINES", "d29").split()


@pytest.fixture(scope="module")
def archive(
    engine_of: Callable[[str], Engine], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    """Return an image's name and the path of an archive of it, which Docker 20.10 has written."""
    path = tmp_path_factory.mktemp("archives") / "app.tar"
    with Field(engine_of("d20").socket) as field:
        name = field.names["image1"]
        assert field.task("image", {"name": name, "save": str(path)})["changed"]
    return name, str(path)


@pytest.mark.parametrize("target", TARGETS)
def test_an_archive_is_loaded_once(
    archive: tuple[str, str], target: str, engine_of: Callable[[str], Engine]
) -> None:
    name, path = archive
    other = f"{name.partition('/')[0]}/other:1"
    with VolumeField(engine_of(target).socket) as ground:
        try:
            for wanted in (name, other):
                task = {"name": wanted, "load": path}
                check, result = ground.task("image", task, check=True), ground.task("image", task)
                assert not result.get("failed"), result.get("msg")
                agree(check, result)
                assert result["changed"]
                assert "RELEASE=1" in ground.client.get(f"/images/{wanted}/json")["Config"]["Env"]
                assert not ground.task("image", task)["changed"]
        finally:
            for wanted in (name, other):
                with contextlib.suppress(Exception):
                    ground.client.delete(f"/images/{wanted}", {"force": True})


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "d20"])
def test_an_image_of_another_engine_comes_without_layers_that_are_there(
    target: str, engine_of: Callable[[str], Engine]
) -> None:
    with Field(engine_of("d20").socket) as field, VolumeField(engine_of(target).socket) as ground:
        origin = FakeOrigin(field.socket_path, "other")

        def take(name: str, check: bool = False) -> dict[str, Any]:
            options = validated(IMAGE.spec(), {"name": name, "from_host": "other"})
            options["_origin"] = origin
            result = run_validated(IMAGE, options, lambda: ground.client, check)
            assert not result.get("failed"), result.get("msg")
            return result

        names = [field.names["image1"], field.names["image2"]]
        try:
            for number, name in enumerate(names):
                origin.asked.clear()
                check, result = take(name, True), take(name)
                agree(check, result)
                assert not (number and origin.asked), "the second one has no other layer"
                env = ground.client.get(f"/images/{name}/json")["Config"]["Env"]
                assert f"RELEASE={number + 1}" in env
                assert not take(name)["changed"]
        finally:
            origin.client.close()
            for name in names:
                with contextlib.suppress(Exception):
                    ground.client.delete(f"/images/{name}", {"force": True})
