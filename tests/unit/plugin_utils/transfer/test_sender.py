"""The engine of another host, asked and read over a channel that stands already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import (
    EngineMissing,
    FleetError,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import unix_dial
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.open import NoChannel
from ansible_collections.dockyard.fleet.plugins.plugin_utils.transfer import sender as module
from ansible_collections.dockyard.fleet.plugins.plugin_utils.transfer.sender import Sender

from tests.lab.fake_engine import FakeEngine
from tests.lab.fake_layers import digest

BIG = "x" * (5 << 20)  # more than any document


class Hosts:
    """An engine with two versions of an image; `failure` is raised in place of a channel."""

    def __init__(self, fake: FakeEngine) -> None:
        self.fake = fake
        self.failure: Exception | None = None
        self.told: list[str] = []
        for version in ("one", "two"):
            fake.add_image(f"app:{version}", layers=[BIG, version])

    def open_channel(self, _action: Any, _options: Any) -> Any:
        if self.failure is not None:
            raise self.failure
        return SimpleNamespace(
            dial=unix_dial(self.fake.socket_path),
            close=lambda: None,
            engine=lambda host: f"{host} engine",
            of_host=True,
        )

    def sender(self, **coming: Any) -> Sender:
        return Sender(None, "build1", "", 10, {}, coming)

    def take(self, reference: str, *numbers: int) -> list[bytes]:
        """Return the blobs of some layers, as one receiver takes them."""
        sender = self.sender()
        image = sender.offer(reference).image
        assert image is not None
        contents = sender.contents(image, (), self.told.append)
        layers = [contents.layers[number] for number in numbers]
        with sender.blobs(image, layers, self.told.append) as blobs:
            result = [blobs[layer.digest].read() for layer in layers]
        sender.close()
        return result


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    with FakeEngine() as fake:
        made = Hosts(fake)
        connection = SimpleNamespace(ansible_name="ansible.builtin.local")
        host = SimpleNamespace(_connection=connection)
        monkeypatch.setattr(module, "action_on", lambda *_words: host)
        monkeypatch.setattr(module, "open_channel", made.open_channel)
        monkeypatch.setattr(module.C, "DEFAULT_LOCAL_TMP", str(tmp_path))
        yield made


def archives(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the path of each archive that is read."""
    seen: list[str] = []
    answer = fake.answer
    monkeypatch.setattr(
        fake,
        "answer",
        lambda request: (
            seen.append(request.path) if request.path.endswith("/get") else None,
            answer(request),
        )[1],
    )
    return seen


def test_a_sender_is_read_once_for_many_receivers(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = archives(hosts.fake, monkeypatch)
    for _receiver in range(3):
        assert hosts.take("app:one", 1) == [b"one"]
        assert hosts.take("app:one", 0, 1) == [BIG.encode(), b"one"]
    assert len(seen) == 1
    assert hosts.take("app:two", 1) == [b"two"]
    assert len(seen) == 2
    assert any(words.startswith("reading from build1, ") for words in hosts.told)


def test_an_offer_says_the_sizes_of_layers(hosts: Hosts) -> None:
    offer = hosts.sender().offer("app:one")
    assert offer.image is not None
    assert offer.image["RootFS"]["Layers"] == [digest(BIG.encode()), digest(b"one")]
    assert offer.sizes == (len(BIG), 3)
    assert hosts.sender().offer("none:1").image is None


def test_what_an_earlier_task_of_a_check_makes_there_is_not_looked_at(hosts: Hosts) -> None:
    hosts.failure = AssertionError("it was asked")
    assert hosts.sender(**{"image/app:one": "built"}).offer("app:one").coming
    assert hosts.sender(engine="installed").offer("app:one").coming == "installed"
    going = {"image/app:one": {"kind": "remove", "causes": ["state: absent"], "keeps": []}}
    offer = hosts.sender(**going).offer("app:one")
    assert (offer.image, offer.coming) == (None, "")


def test_an_archive_that_is_cut_is_told_by_the_hosts_name(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = hosts.sender().offer("app:one").image
    assert image is not None
    monkeypatch.setattr("tests.lab.fake_archives.layered_archive", lambda *_words: b"\0" * 100)
    with pytest.raises(FleetError, match="archive that came from build1 cannot be read"):
        hosts.sender().contents(image, (), hosts.told.append)
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (NoChannel(["no way"]), "from_host: cannot reach the engine of build1: no way"),
        (AnsibleConnectionFailure("it is down"), "cannot reach the engine of build1: it is down"),
        (EngineMissing("no engine on build1", hint="start it"), "from_host: no engine on build1"),
    ],
)
def test_a_host_that_cannot_be_reached_is_a_failure_of_the_task(
    hosts: Hosts, failure: Exception, message: str
) -> None:
    hosts.failure = failure
    with pytest.raises(FleetError) as caught:
        hosts.sender().offer("app:one")
    assert message in str(caught.value)
    assert not isinstance(caught.value, EngineMissing), "the task's own engine is there"
