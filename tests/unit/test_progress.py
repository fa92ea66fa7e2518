"""Lines about what takes long: at intervals, in numbers, and nothing about what is fast."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import progress
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.progress import (
    Layers,
    Tail,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE

from tests.lab.core import run_task
from tests.lab.fake_engine import FakeEngine


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST", 0.05)
    monkeypatch.setattr(progress, "NEXT", 0.05)


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1", cmd=["serve"])
        yield engine


def lines_of(fake: FakeEngine, what: Any, **params: Any) -> List[str]:
    """Return the lines that a task shows where it is run from the controller."""
    lines: List[str] = []
    with Client(unix_dial(fake.socket_path), 10) as client:
        client.show = lines.append
        result = run_task(what, params, lambda: client)
    assert not result.get("failed"), result
    return lines


@pytest.mark.usefixtures("soon")
def test_a_long_step_is_told_of_again_and_again() -> None:
    lines: List[str] = []
    with progress.Progress(lines.append, "image/app:1", "pull app:1") as told:
        time.sleep(0.3)
        told.tell("pulling, 1 of 2 MiB", 60)
        time.sleep(0.3)
    count = len(lines)
    assert lines[0] == "image/app:1: pull app:1, 0 s"
    assert "image/app:1: pulling, 1 of 2 MiB, 0 s of 60 s" in lines
    time.sleep(0.2)
    assert len(lines) == count


def test_the_first_line_takes_seconds_and_further_ones_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: List[float] = []

    def wait(_self: Any, patience: float) -> bool:
        waits.append(patience)
        return len(waits) > 3

    monkeypatch.setattr(threading.Event, "wait", wait)
    lines: List[str] = []
    shown = progress.Progress(lines.append, "a", "b")
    shown._begun = time.monotonic()
    shown._run()
    assert (waits, len(lines)) == ([5, 10, 10, 10], 3)


@pytest.mark.usefixtures("soon")
def test_a_line_is_short_and_does_nothing_to_a_terminal() -> None:
    lines: List[str] = []
    with progress.Progress(lines.append, "container/web", "\x1b[2J\u202e" + "x" * 10_000):
        time.sleep(0.3)
    assert lines[0].isprintable()
    assert len(lines[0]) <= 161


@pytest.mark.usefixtures("soon")
def test_a_terminal_that_is_gone_is_no_failure_of_the_step() -> None:
    def gone(_line: str) -> None:
        raise BrokenPipeError

    with progress.Progress(gone, "a", "b") as told:
        time.sleep(0.2)
        assert told._thread.is_alive()


@pytest.mark.usefixtures("soon")
def test_a_wait_says_for_what_and_how_long(fake: FakeEngine) -> None:
    fake.behave("app:1", "healthy-after:0.5")
    lines = lines_of(
        fake,
        CONTAINER,
        **_options(CONTAINER, name="web", image="app:1", wait="healthy", wait_timeout="60s"),
        healthcheck={"test": ["CMD", "true"]},
    )
    assert "container/web: waiting for healthy, 0 s of 60 s" in lines


def _options(what: Any, **given: Any) -> Dict[str, Any]:
    defaults = {key: one.get("default") for key, one in what.spec().items()}
    return {key: one for key, one in {**defaults, **given}.items() if key != "healthcheck"}


def test_what_is_fast_is_not_told_of(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    options = _options(CONTAINER, name="web", image="app:1", monitor="1ms")
    assert lines_of(fake, CONTAINER, **options) == []
    # A no-op has no thread for it.
    monkeypatch.setattr(progress.Progress, "__enter__", lambda _self: pytest.fail("begun"))
    assert lines_of(fake, CONTAINER, **options) == []


@pytest.mark.usefixtures("soon")
def test_a_build_says_that_it_goes_on(fake: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM app:1\n")
    fake.on_build = lambda _build: time.sleep(0.4)
    build = {"context": str(tmp_path), "builder": "classic"}
    lines = lines_of(fake, IMAGE, name="own:1", build=build)
    assert lines
    assert lines[0].startswith("image/own:1: building, ")


def test_layers_are_counted() -> None:
    layers = Layers()

    def part(name: str, status: str, have: Any = None, whole: Any = None) -> str:
        detail = {} if have is None else {"current": have, "total": whole}
        return layers.words({"id": name, "status": status, "progressDetail": detail})

    assert part("latest", "Pulling from app") == "pulling"
    assert part("a", "Downloading", 10 << 20, 40 << 20) == "pulling, 10 of 40 MiB"
    assert part("b", "Downloading", 5 << 20, 60 << 20) == "pulling, 15 of 100 MiB"
    assert part("a", "Download complete") == "pulling, 45 of 100 MiB"
    assert part("a", "Extracting", 1, 40 << 20) == "pulling, 45 of 100 MiB"


def test_a_hostile_engine_says_nothing_by_it() -> None:
    layers = Layers()
    for number in range(5000):
        detail: Dict[str, Any] = {"current": number, "total": 1 << 20}
        layers.words({"id": number, "status": "Downloading", "progressDetail": detail})
    assert layers.words({}) == "pulling, 0 of 1000 MiB"
    for value in (10**400, -1, True, "9", None, [], 1.5):
        for detail in ({"current": value, "total": value}, value):
            part = {"id": f"x{value}", "status": "Downloading", "progressDetail": detail}
            assert layers.words(part) == "pulling, 0 of 1000 MiB"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Step 4/9 : RUN echo s3cret", "building, step 4/9"),
        ("#7 [2/4] RUN echo s3cret", "building, step 2/4"),
        ("#12 [base 3/4] COPY . /", "building, step 3/4"),
        ("#5 [internal] load build definition from Dockerfile", "building"),
        ("#7 0.512 Step 4/9 : [1/2]", "building"),
        ("Step 99999/99999 : RUN", "building"),
    ],
)
def test_of_a_build_only_its_step_is_told(line: str, words: str) -> None:
    told: List[str] = []
    tail = Tail(told.append)
    tail.append(line)
    assert (told[-1], list(tail)) == (words, [line])
