"""Taking an image from another host, on fake engines: nothing is named before it is verified."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import progress
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image import transfer
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE

from tests.lab.core import run_validated, validated
from tests.lab.fake_engine import FakeEngine
from tests.lab.fake_layers import digest
from tests.lab.fake_origin import FakeOrigin
from tests.lab.tasks import do

TASK = {"name": "app:2", "from_host": "build1"}


class Pair:
    """The engine of another host with two versions, and the task's engine with the first one."""

    def __init__(self, source: FakeEngine, fake: FakeEngine) -> None:
        self.source, self.fake = source, fake
        for version, layer in (("app:1", "one"), ("app:2", "two")):
            source.add_image(version, layers=["base", layer])
        self.origin = FakeOrigin(source.socket_path, "build1")

    def take(self, **more: Any) -> Dict[str, Any]:
        self.origin = FakeOrigin(self.source.socket_path, "build1")
        return self.run(self.origin, **more)

    def run(self, origin: FakeOrigin, **more: Any) -> Dict[str, Any]:
        options = {**validated(IMAGE.spec(), {**TASK, **more}), "_origin": origin}
        with Client(unix_dial(self.fake.socket_path), 5) as client:
            client.progress = progress.Progress(lambda slow: None)
            try:
                return run_validated(IMAGE, options, lambda: client)
            finally:
                client.progress.close()

    def tagged(self) -> Dict[str, str]:
        return {tag: key for key, image in self.fake.images.items() for tag in image["RepoTags"]}


@pytest.fixture
def pair() -> Iterator[Pair]:
    with FakeEngine() as source, FakeEngine() as fake:
        made = Pair(source, fake)
        assert made.take(name="app:1")["changed"]
        yield made


def layers(image: Dict[str, Any]) -> List[str]:
    return list(image["RootFS"]["Layers"])


def test_the_missing_layer_alone_is_asked_for(pair: Pair) -> None:
    result = pair.take()
    assert pair.origin.asked == [digest(b"two")]
    assert result["transfers"] == [{"name": "app:2", "from": "build1", "layers": 2, "sent": 3}]
    assert layers(result["image"]) == [digest(b"base"), digest(b"two")]
    assert pair.take()["changed"] is False


def test_an_image_that_came_under_another_name_is_only_tagged(pair: Pair) -> None:
    pair.source.add_image("other:1", layers=["base", "one"])
    result = pair.take(name="other:1")
    assert (result["changed"], result["transfers"][0]["sent"]) == (True, 0)
    assert pair.origin.asked == []
    assert result["image"]["tags"] == ["app:1", "other:1"]


def test_a_layer_that_came_otherwise_moves_no_name(pair: Pair) -> None:
    pair.fake.add_image("app:2", layers=["base", "old"])
    before, images = pair.tagged(), set(pair.fake.images)
    origin = FakeOrigin(pair.source.socket_path, "build1")
    origin.spoil = lambda data: data[::-1]
    result = pair.run(origin)
    assert result["failed"]
    assert "image/app:2: the transfer failed: invalid diffID" in result["msg"]
    assert (pair.tagged(), set(pair.fake.images)) == (before, images)
    assert pair.take()["changed"]


def test_an_engine_that_lost_a_layer_gets_all_of_them(pair: Pair) -> None:
    for image in pair.fake.images.values():
        image["_layers"] = []  # it lists what it does not have
    result = pair.take()
    assert pair.origin.asked == [digest(b"two"), digest(b"base"), digest(b"two")]
    assert "app:2: sent whole" in " ".join(result["plan"]["notes"])
    assert layers(result["image"]) == [digest(b"base"), digest(b"two")]


def test_an_engine_that_takes_an_image_without_its_layers_gets_all_of_them() -> None:
    """Docker with containerd leaves an image behind that does not run, and says success."""
    with FakeEngine() as source, FakeEngine(api="1.51") as fake:
        fake.state.manifests = True
        pair = Pair(source, fake)
        assert pair.take(name="app:1")["changed"]
        for image in fake.images.values():
            image["_layers"] = []
        before = len(fake.images)
        result = pair.take()
        assert layers(result["image"]) == [digest(b"base"), digest(b"two")]
        assert result["image"]["Manifests"][0]["Available"]
        assert len(fake.images) == before + 1
        assert pair.take()["changed"] is False, "its id is another one here, the image the same"


@pytest.mark.parametrize("kind", ["500", "500-after", "drop", "drop-after", "nospace"])
def test_every_cut_leaves_the_old_tag_and_the_next_run_completes(pair: Pair, kind: str) -> None:
    pair.fake.add_image("app:2", layers=["base", "old"])
    old = pair.tagged()["app:2"]
    number = 0
    while True:
        number += 1
        pair.fake.faults.reset("all")
        pair.fake.faults.at(number, kind)
        result = pair.take()
        if not pair.fake.faults.hits:
            break
        pair.fake.faults.reset()
        if result.get("failed") and "/tag" not in str(result.get("msg")):
            new = pair.tagged()["app:2"]
            # A tag whose answer was lost may have been moved, to what had been verified.
            assert new == old or layers(pair.fake.images[new])[1] == digest(b"two"), result
        done = pair.take()
        assert not done.get("failed"), (number, done)
        assert layers(done["image"]) == [digest(b"base"), digest(b"two")]
        assert pair.take()["changed"] is False
        pair.fake.add_image("app:2", layers=["base", "old"])
        for key in [key for key, image in pair.fake.images.items() if not image["RepoTags"]]:
            del pair.fake.images[key]
    assert number > 6


def test_large_layers_come_one_after_another_and_stay(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_AT_ONCE", 1)
    pair.source.add_image("app:2", layers=["base", "two", "three", "four"])
    pair.fake.faults.reset()
    pair.fake.faults.at(3, "drop")  # two loads of one layer each are done
    result = pair.take()
    assert result["failed"]
    assert pair.tagged().keys() == {"app:1"}
    pair.fake.faults.reset()
    pair.fake.forget()
    again = pair.take()
    assert pair.origin.asked == [digest(b"four")]
    assert again["transfers"][0]["sent"] == 4
    assert [image["RepoTags"] for image in pair.fake.images.values()] == [["app:1"], ["app:2"]]


def test_progress_is_told(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    told: List[str] = []
    tell = progress.Activity.tell
    monkeypatch.setattr(
        progress.Activity,
        "tell",
        lambda self, words, limit=0: (told.append(words), tell(self, words, limit))[1],
    )
    assert pair.take()["changed"]
    assert told[0] == "sending, 0 of 0 MiB"
    assert told[-1] == "waiting for the engine to unpack it"


def test_without_a_way_from_the_controller_it_is_refused(pair: Pair) -> None:
    result = do(IMAGE, pair.fake.socket_path, **TASK)
    assert result["msg"].startswith("from_host: images go by the controller")
