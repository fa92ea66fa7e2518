"""An archive of Docker's own form on other engines: each knows an image by an id of its own."""

from __future__ import annotations

import contextlib
import os
from typing import Callable

import pytest

from tests.lab.agree import agree
from tests.lab.engines import Engine
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
