"""Broken archives, by every way on which one comes in: each is read, or ends in one error of ours.

A part of them in `make test`, a hundred thousand by `make test-hostile`.
"""

from __future__ import annotations

import collections
import os
import re
import resource
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.steps import Step
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.work import Work
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import container_archive
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.target import Target
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy import fetch as copy_out
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.desired import Desired
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.observed import Observed
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.archive import find_image
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume.tar import (
    check_whole,
    root_as,
)

from tests.lab.amounts import amount
from tests.lab.mutated import Mutated

WANTED = amount(1_000, 100_000)
SEED = 11
BOUND = 10  # seconds for one archive; more is a hang
_VALUES = re.compile(r"/\S+|'[^']*'|\d[\d,.]*|(?<=read: ).*(?=: its )|(?<=within ).*|(?<=lacks ).*")


class Ways:
    """The ways on which an archive comes in, for one that `data` holds."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data = b""
        self.file = folder / "archive.tar"
        self.out = folder / "out"
        self.out.mkdir()
        monkeypatch.setattr(container_archive, "Raw", self._raw)

    def _raw(self, *_given: object) -> Any:
        """Stand for an engine's answer; it comes in pieces of an odd size."""
        data = self.data

        class Answer:
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_exc: object) -> None:
                pass

            def pieces(self) -> Iterator[bytes]:
                return (data[at : at + 1000] for at in range(0, len(data), 1000))

        return Answer()

    def image(self) -> None:
        find_image(str(self.file), "app:1", "load")

    def volume(self) -> None:
        check_whole(str(self.file))
        root_as(str(self.file), "volume")

    def fetch(self) -> None:
        """Fetch the tree into an empty folder, as if all of it were new."""
        entries = {path: one for path, one, _data in copy_out._all(None, "web", "/tree")}  # type: ignore[arg-type]
        desired = Desired("web", "/tree", None, str(self.out / "tree"), None, None, "", "", False)
        observed = Observed(Target("web", "web"), "/tree", wanted=entries)
        try:
            copy_out.fetch(Work(None, desired, observed, {}), Step("1", "copy/web", "fetch", ()))
        finally:
            made = self.out / "tree"
            if made.is_dir() and not made.is_symlink():
                shutil.rmtree(made)
            elif os.path.lexists(made):
                made.unlink()

    def tried(self, way: Callable[[], None]) -> str:
        """Go one way; return the error that it ends in, "" for none."""
        signal.alarm(BOUND)
        try:
            way()
        except FleetError as error:
            return str(error)
        finally:
            signal.alarm(0)
        return ""


def late(*_args: object) -> None:
    raise TimeoutError


def test_each_is_read_or_ends_in_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    ways, mutated = Ways(tmp_path, monkeypatch), Mutated(SEED)
    messages: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    before = signal.signal(signal.SIGALRM, late)
    try:
        for number in range(WANTED):
            ways.data = mutated.one()
            ways.file.write_bytes(ways.data)
            for way in (ways.image, ways.volume, ways.fetch):
                try:
                    messages[_VALUES.sub("…", ways.tried(way))] += 1
                except Exception as error:
                    wrong.append(f"archive {number}, {way.__name__}: {error!r}")
            assert len(wrong) < 10, "\n".join(wrong)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert wrong == []
    assert sorted(os.listdir(tmp_path)) == ["archive.tar", "out"]
    assert os.listdir(ways.out) == []
    read = messages.pop("", 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    record_property("archives", WANTED)
    print(f"{WANTED} archives, 3 ways each: {read} read, {messages.total()} errors, {peak} MiB;")
    print("the ten most frequent messages:")
    for text, count in messages.most_common(10):
        print(f"{count:6} {text}")
