"""What a first plan says of what is to be made: enough for whoever reviews it, and no secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.fake_engine import FakeEngine
from tests.lab.front import Front


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as made:
        made.add_image("app:1", cmd=["serve"])
        yield made


@pytest.fixture
def front(fake: FakeEngine) -> Front:
    return Front(fake.socket_path)


def _web(**more: Any) -> dict[str, Any]:
    return {"name": "web", "image": "app:1", **more}


def test_what_is_declared_is_in_the_text_and_in_the_data(front: Front) -> None:
    task = _web(
        ports=["8080:80"],
        environment={"LOG": "info", "GONE": None},
        secret_environment={"TOKEN": "hush-hush"},
        command=["serve", "--token", "hush-hush", "a\nb\x1b[31m"],
    )
    check = front.run(task, check=True)["plan"]
    declared = [
        "image: app:1",
        "command: [serve, --token, ********, a\\nb]",
        "environment.LOG: info",
        "environment.GONE: none",
        "secret_environment.TOKEN: ********",
        "ports.80/tcp: 8080",
    ]
    assert check["declared"] == {"container/web": declared}
    assert check["text"] == "".join(
        [
            "container/web\n  not there [none]\n    create web · start web · wait web\n",
            *(f"      {line}\n" for line in declared),
        ]
    )
    apply = front.run(task)
    assert apply["plan"]["text"] == check["text"] == apply["diff"]["prepared"]
    assert front.run(task)["plan"]["declared"] == {}
    assert front.run({**task, "command": "serve"}, check=True)["plan"]["declared"] == {}


def test_long_values_and_many_of_them_are_cut(front: Front) -> None:
    labels = {f"l{number}": "x" * 500 for number in range(100)}
    (lines,) = front.run(_web(labels=labels), check=True)["plan"]["declared"].values()
    assert len(lines) == 61
    assert lines[-1] == "and 41 more"
    assert {len(line) for line in lines[1:-1]} == {161}


def test_a_volume_that_would_be_made_by_the_way_is_noted_in_check_and_apply(front: Front) -> None:
    front.client.post("/volumes/create", None, {"Name": "data"})
    volumes = ["data:/data", "dta:/more", "dta:/again", "/srv:/srv", "/anonymous"]
    note = "volume/dta: not there; made empty with it"
    check = front.run(_web(volumes=volumes), check=True)
    assert check["plan"]["notes"] == [note]
    assert f"note: {note}\n" in check["plan"]["text"]
    assert front.run(_web(volumes=volumes))["plan"]["notes"] == [note]
    assert front.run(_web(volumes=volumes))["plan"]["notes"] == []
    # with a replacement, too
    changed = _web(volumes=[*volumes, "neu:/neu"])
    note = "volume/neu: not there; made empty with it"
    assert front.run(changed, check=True)["plan"]["notes"] == [note]
    assert front.run(changed)["plan"]["notes"] == [note]


def test_the_message_of_what_was_done_is_one_line(front: Front) -> None:
    assert front.run(_web(environment={"A": "1"}))["msg"] == "container/web: not there [none]"
    changed = front.run(_web(environment={"A": "2", "B": "x" * 500}))
    assert changed["msg"].startswith("container/web: environment.A: 1 → 2; environment.B: none → x")
    assert len(changed["msg"]) == 241
    assert "msg" not in front.run(_web(environment={"A": "2", "B": "x" * 500}))


def test_a_program_that_had_to_be_killed_is_noted(front: Front, fake: FakeEngine) -> None:
    fake.behave("app:1", "slow-stop:60")
    front.run(_web(stop_grace_period="1s"))
    done = front.run(_web(stop_grace_period="1s", user="1"))
    note = (
        "web did not end within 1s of its stop signal and was killed;"
        " init: true, another stop_signal, or a shorter stop_grace_period may help"
    )
    assert done["plan"]["notes"] == [note]
    assert f"note: {note}\n" in done["diff"]["prepared"]
    fake.behave("app:1", "slow-stop:0")
    assert front.run(_web(stop_grace_period="1s", user="2"))["plan"]["notes"] == []
