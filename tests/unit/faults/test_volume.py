"""Backups and restores cut short anywhere: the data is whole in the end, and no helper is left."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Optional

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.corework import Crew
from tests.lab.fake_engine import FakeEngine
from tests.lab.killing import POINTS

from .stories import until_no_call

Params = Dict[str, Any]
KINDS = ("500", "500-after", "drop-after", "kill", "kill-after")
NEW, OLD = {"a": b"new", "b": b"more"}, {"a": b"old", "c": b"else"}


@dataclass(frozen=True)
class Story:
    """`task` is cut short; `volume` and `archive` are the data that were there, None for none."""

    name: str
    task: Params
    volume: Optional[Dict[str, bytes]]
    archive: Optional[Dict[str, bytes]]


STORIES = (
    Story("restore into a new one", {"restore": "data.tar"}, None, NEW),
    Story("restore into an empty one", {"restore": "data.tar"}, {}, NEW),
    Story("restore over another", {"restore": "data.tar", "destroy": "data"}, OLD, NEW),
    Story("backup", {"backup": "data.tar"}, NEW, None),
    Story("backup over another", {"backup": "data.tar"}, NEW, OLD),
)


class Stage:
    """A fake engine and a folder on which one story has been prepared."""

    def __init__(self, story: Story, crew: Crew, folder: Path) -> None:
        self.story = story
        self.crew = crew
        self.folder = folder
        self.archive = folder / "data.tar"
        self.fake = FakeEngine()
        paths = {
            key: str(folder / "data.tar") for key in ("backup", "restore") if key in story.task
        }
        self.task = {"name": "data", **story.task, **paths}

    def __enter__(self) -> Stage:
        self.folder.mkdir()
        self.fake.__enter__()
        self.fake.add_image("app:1")
        if self.story.archive is not None:
            self.archive.write_bytes(packed(self.story.archive))
        if self.story.volume is not None:
            assert not self.run({"name": "data"}).get("failed")
            source = self.folder / "source.tar"
            source.write_bytes(packed(self.story.volume))
            if self.story.volume:
                assert not self.run({"name": "data", "restore": str(source)}).get("failed")
            source.unlink()
        self.fake.faults.reset("all")
        return self

    def __exit__(self, *exc: Any) -> None:
        self.fake.__exit__(*exc)

    def run(self, params: Params) -> Params:
        outcome = self.crew.run(params, self.fake.socket_path, kind="volume")
        assert outcome.signal in (0, 9)
        assert "Traceback" not in outcome.result.get("msg", ""), outcome.result
        return outcome.result

    def data(self) -> Dict[str, bytes]:
        """Return what the volume holds."""
        files = self.fake.volumes["data"].get("_files", {})
        return {path: node.data for path, node in files.items() if node.kind == "file"}


def packed(files: Dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        root = tarfile.TarInfo("./")
        root.type = tarfile.DIRTYPE
        archive.addfile(root)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def held(archive: Path) -> Dict[str, bytes]:
    found: Dict[str, bytes] = {}
    with tarfile.open(archive) as opened:
        for member in opened:
            content = opened.extractfile(member)
            if content is not None:
                found[member.name.rpartition("/")[2]] = content.read()
    return found


def cut(stage: Stage, kind: str, number: int) -> bool:
    """Cut the story short at one call and run it again; False if there is no such call."""
    stage.fake.faults.at(number, kind)
    result = stage.run(stage.task)
    if not stage.fake.faults.hits:
        return False
    where = stage.fake.faults.hits[0]
    assert kind.startswith("kill") or "\n" not in result.get("msg", ""), where
    if stage.archive.exists():  # whole at any time
        assert held(stage.archive) in (NEW, stage.story.archive), where
    stage.fake.faults.reset()
    again = stage.run(stage.task)
    assert not again.get("failed"), f"{where}: {again.get('msg')}"
    assert stage.data() == NEW, where
    assert held(stage.archive) == NEW, where
    assert [path.name for path in stage.folder.iterdir()] == ["data.tar"], where
    with Client(unix_dial(stage.fake.socket_path), 10) as client:
        assert client.get("/containers/json", {"all": True}) == [], where
    assert stage.run(stage.task)["changed"] is False, where
    return True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_an_archive_cut_short_at_any_call_converges(
    story: Story,
    kind: str,
    crew: Crew,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    def point(number: int) -> bool:
        with Stage(story, crew, tmp_path / str(number)) as stage:
            return cut(stage, kind, number)

    hits = until_no_call(kind, point)
    record_property(f"{POINTS}{kind}, {story.name} (volume)", hits)
    assert hits > (3 if kind.startswith("kill") else 0)
