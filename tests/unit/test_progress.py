"""Lines about what takes long: at intervals, in numbers, and nothing about what is fast."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import progress
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.progress import (
    Activity,
    Progress,
    counted,
    line,
)
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

SOON = 0.05


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1", cmd=["serve"])
        yield engine


def lines_of(fake: FakeEngine, what: Any, pace: float = SOON, **params: Any) -> List[str]:
    """Return the lines that a task shows where it is run from the controller."""
    lines: List[str] = []
    with Client(unix_dial(fake.socket_path), 10) as client:
        shown = client.progress = Progress(lambda slow: lines.append(line(slow)), pace, pace)
        result = run_task(what, params, lambda: client)
        shown.close()
    assert not result.get("failed"), result
    return lines


class Shown:
    """A progress with short patience, and what it has shown."""

    def __init__(self, first: float = SOON, pause: float = SOON) -> None:
        self.lines: List[str] = []
        self.times: List[float] = []
        self._came = threading.Condition()
        self.progress = Progress(self._take, first, pause)

    def _take(self, slow: Sequence[Activity]) -> None:
        with self._came:
            self.lines.append(line(slow))
            self.times.append(time.monotonic())
            self._came.notify_all()

    def until(self, text: str) -> None:
        """Wait until a line has come."""
        with self._came:
            assert self._came.wait_for(lambda: text in self.lines, 10), self.lines


def test_a_long_step_is_told_of_until_it_is_over() -> None:
    shown = Shown()
    with shown.progress.step("image/app:1", "pull app:1") as told:
        shown.until("image/app:1: pull app:1, 0 s")
        told.tell("pulling, 1 of 2 MiB", 60)
        shown.until("image/app:1: pulling, 1 of 2 MiB, 0 s of 60 s")
    shown.until("")
    shown.progress.close()
    assert shown.lines[-1] == ""
    assert shown.lines.count("") == 1


def test_no_line_comes_sooner_than_it_may() -> None:
    shown = Shown(0.2, 0.3)
    with shown.progress.step("image/app:1", "pull"):
        begun = time.monotonic()
        with shown._came:
            assert shown._came.wait_for(lambda: len(shown.lines) == 3, 10)
    shown.progress.close()
    waits = [end - start for start, end in zip([begun, *shown.times], shown.times)]
    assert all(wait >= least for wait, least in zip(waits, (0.19, 0.29, 0.29)))
    assert (progress.FIRST, progress.NEXT) == (5, 10)


def test_steps_that_run_at_once_are_one_line() -> None:
    shown = Shown()
    with shown.progress.step("image/a", "pull"), shown.progress.step("image/b", "build"):
        shown.until("image/a: pull, 0 s; image/b: build, 0 s")
    shown.progress.close()


def test_what_follows_a_long_step_is_shown_at_once_and_what_is_fast_never() -> None:
    shown = Shown(0.3, SOON)
    for _number in range(20):
        with shown.progress.step("container/web", "create"):
            pass
    assert shown.lines == []
    with contextlib.ExitStack() as first:
        first.enter_context(shown.progress.step("image/app:1", "pull"))
        shown.until("image/app:1: pull, 0 s")
        with shown.progress.step("container/web", "start"):
            begun = time.monotonic()
            first.close()
            shown.until("container/web: start, 0 s")
            assert time.monotonic() - begun < 0.3
    shown.progress.close()


def test_the_time_of_a_limit_begins_with_what_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    told = Activity("stack/shop", "update web")
    now = 130.0
    assert told.time == "30 s"
    told.tell("batch 2 of 3, waiting for healthy", 60)
    now = 142.0
    told.tell("batch 2 of 3, waiting for healthy", 60)
    assert told.time == "12 s of 60 s"
    told.tell("batch 3 of 3, waiting for healthy", 60)
    assert told.time == "0 s of 60 s"
    told.tell("removing what was")
    assert told.time == "42 s"


def test_a_line_is_short_and_does_nothing_to_a_terminal() -> None:
    told = Activity("container/\r\x1b]0;web", "pull")
    told.tell("\x1b[2J\u202e\n" + "x" * 10_000_000)
    shown = line([told])
    assert shown.isprintable()
    assert len(shown) < 400


def test_a_terminal_that_is_gone_is_no_failure_of_the_step() -> None:
    tried = threading.Semaphore(0)

    def gone(_slow: Sequence[Activity]) -> None:
        tried.release()
        raise BrokenPipeError

    shown = Progress(gone, SOON, SOON)
    with shown.step("a", "b"):
        assert tried.acquire(timeout=10)
        assert tried.acquire(timeout=10)
    shown.close()


def test_what_is_sent_is_counted_in_mebibytes() -> None:
    told: List[str] = []
    pieces = [b"x" * (1 << 20)] * 3
    assert list(counted(told.append, pieces, "sending", 2 << 20)) == pieces
    assert told == ["sending, 0 of 2 MiB", "sending, 1 of 2 MiB", "sending, 2 of 2 MiB"]
    told.clear()
    assert list(counted(told.append, pieces, "sending", 1 << 20)) == pieces
    assert told[-1] == "sending, 2 MiB"
    assert list(counted(told.append, pieces[:1], "writing")) == pieces[:1]
    assert told[-1] == "writing, 0 MiB"


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
    assert lines_of(fake, CONTAINER, 5, **options) == []
    # A no-op has no thread for it.
    monkeypatch.setattr(Progress, "step", lambda *_args: pytest.fail("begun"))
    assert lines_of(fake, CONTAINER, 5, **options) == []


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
    assert part("c", "Already exists") == "pulling, 1 of 3 layers, 45 of 100 MiB"
    assert part("a", "Pull complete") == "pulling, 2 of 3 layers, 45 of 100 MiB"
    assert part("latest", "Digest: sha256:1") == "pulling, 2 of 3 layers, 45 of 100 MiB"


def test_layers_that_are_pushed_are_counted() -> None:
    layers = Layers("pushing")
    for name in "ab":
        assert layers.words({"id": name, "status": "Preparing"}) == "pushing"
    detail = {"current": 3 << 20, "total": 4 << 20}
    part = {"id": "a", "status": "Pushing", "progressDetail": detail}
    assert layers.words(part) == "pushing, 3 of 4 MiB"
    assert layers.words({"id": "a", "status": "Pushed"}) == "pushing, 1 of 2 layers, 4 of 4 MiB"


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
    ("text", "words"),
    [
        ("Step 4/9 : RUN echo s3cret", "building, step 4/9 RUN echo …"),
        ("#7 [2/4] RUN echo s3cret", "building, step 2/4 RUN echo …"),
        ("#12 [base 3/4] COPY . /", "building, step 3/4 COPY"),
        ("#12 [base 3/4] FROM s3cret/app:1", "building, step 3/4 FROM"),
        ("Step 2/9 : ENV TOKEN=s3cret", "building, step 2/9 ENV"),
        ("Step 2/9 : RUN TOKEN=s3cret ./make", "building, step 2/9 RUN"),
        ("Step 2/9 : RUN 's3cret' | ./make", "building, step 2/9 RUN"),
        (
            "Step 2/9 : RUN --mount=type=cache,id=s3cret apt-get update",
            "building, step 2/9 RUN apt-get …",
        ),
        ("Step 2/9 : RUN /opt/token/run now", "building, step 2/9 RUN"),
        ("Step 2/9 : RUN given-token now", "building, step 2/9 RUN ******** …"),
        ("Step 2/9 : RUN \x1b[2Jmake", "building, step 2/9 RUN"),
        ("Step 2/9 : OUCH \x1b[2J", "building, step 2/9"),
        ("Step 2/9 : RUN " + "x" * 5_000_000, "building, step 2/9 RUN"),
        ("#5 [internal] load build definition from Dockerfile", "building"),
        ("#7 [" + "x " * 3_000_000, "building"),
        ("#7 0.512 Step 4/9 : [1/2]", "building"),
        ("Step 99999/99999 : RUN", "building"),
    ],
    ids=range(17),
)
def test_of_a_build_only_its_step_is_told(text: str, words: str) -> None:
    told: List[str] = []
    tail = Tail(told.append, ["given-token"])
    tail.append(text)
    assert (told[-1], list(tail)) == (words, [text])
