"""Applying: what is verified, what verbs are given, and what becomes of what they opened."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, List, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.apply import apply
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.plan import Plan
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.progress import Progress
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.steps import Step
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.work import Verbs, Work

from .jars import Jar, Jars, Lost, Noting, Numbered, Seen, Server, failed, part, task


@pytest.fixture
def server() -> Server:
    return Server()


def test_what_was_made_is_told_and_verified(server: Server) -> None:
    result = task(server)
    assert (result["changed"], result["created"]) == (True, True)
    assert result["jar"] == {"glass": "green", "size": 1}
    assert server.writes == ["create a"]
    assert task(server)["changed"] is False


def test_what_the_server_drops_without_a_word_is_found(server: Server) -> None:
    task(server)
    server.ignores = ("size",)
    result = failed(server, size=2, labels={"a": "b"})
    words = ["set a", "set a"]
    assert result["msg"] == ("jar/a: the server reported success but did not apply size: 1 → 2")
    assert (result["changed"], result["updated"], result["done"]) == (True, True, words)
    assert set(result["plan"]) == {"text"}
    assert "size: 1 → 2 [live]\n    set a\n" in result["plan"]["text"]


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (
            Noting(),
            "the server reported success but did not apply size: none → 1 (changed outside);"
            " unless another run, or somebody else, changed it meanwhile",
        ),
        (
            Numbered(),
            "another run, or somebody else, has replaced it meanwhile:"
            " size: none → 1 (changed outside)",
        ),
    ],
)
def test_another_one_in_its_place_is_told_from_one_that_differs(
    server: Server, resource: Jars, said: str
) -> None:
    server.jars["a"] = {"glass": "brown"}
    server.ignores = ("size",)
    assert failed(server, resource)["msg"] == f"jar/a: {said}"


class Open:
    """Something that a verb opens, or one more worker's client."""

    def __init__(self, whole: Server) -> None:
        self.whole = whole
        self.closed = 0

    def close(self) -> None:
        """Count."""
        self.closed += 1


def made(server: Any, steps: Tuple[Step, ...], verb: Any) -> List[str]:
    """Make steps of the verb `do`; return the ids of those that did something."""

    class Doing(Jars):
        """Jars with one verb."""

        @property
        def verbs(self) -> Verbs:
            """The one verb."""
            return {"do": verb}

    one = part(Jar("a", {}), Plan(steps), Doing())
    result = apply([one], server)["jar/a"]
    return [step["id"] for step in result["plan"]["steps"]]


@pytest.mark.parametrize("error", [None, FleetError("no"), KeyboardInterrupt()])
def test_what_verbs_and_workers_opened_is_closed_and_the_client_stays_open(
    server: Server, error: Any
) -> None:
    opened: List[Open] = []

    class Client(Server):
        """A server of which each worker has a connection of its own."""

        def worker(self) -> Any:
            """Open one."""
            opened.append(Open(self))
            return opened[-1]

        def close(self) -> None:
            """It is the caller's."""
            raise AssertionError

    meeting = threading.Barrier(2)

    def verb(work: Work, step: Step) -> None:
        meeting.wait(10)
        if step.id == "1":
            work.shared["stream"] = Open(server)
            opened.append(work.shared["stream"])
            if error is not None:
                raise error

    steps = tuple(Step(number, "jar/a", "do", ("it",)) for number in "12")
    expected = contextlib.nullcontext() if error is None else pytest.raises(type(error))
    with expected:
        assert made(Client(), steps, verb) == ["1", "2"]
    assert [thing.closed for thing in opened] == [1, 1]


def test_each_step_that_failed_may_count_as_begun(server: Server) -> None:
    """Two run side by side, and the connection of both breaks."""
    meeting = threading.Barrier(2)
    begun: List[str] = []

    def verb(work: Work, step: Step) -> None:
        meeting.wait(10)
        raise Lost(f"lost {step.id}")

    class Two(Jars):
        """Jars with one verb."""

        @property
        def verbs(self) -> Verbs:
            """The one verb."""
            return {"do": verb}

        def recover(self, desired: Jar, observed: Seen, steps: List[Step]) -> Plan:
            """Keep what was begun."""
            begun.extend(sorted(step.id for step in steps))
            return Plan()

    steps = tuple(Step(number, "jar/a", "do", ("it",), args={"on": number}) for number in "12")
    with pytest.raises(Lost) as raised:
        apply([part(Jar("a", {}), Plan(steps), Two())], server)
    assert begun == ["1", "2"]
    first = raised.value.message[-1]
    other = "2" if first == "1" else "1"
    assert raised.value.hint == f"do {other} failed too: lost {other}"
    assert raised.value.details["failed_step"] == f"do {first}"


def test_a_verb_reports_into_the_result(server: Server) -> None:
    class Telling(Jars):
        """Its creation has something to tell."""

        @property
        def verbs(self) -> Verbs:
            """Those of jars."""

            def create(work: Work, step: Step) -> None:
                Jars().verbs["create"](work, step)
                work.shared["report"] = {"weight": 7, "notes": ["it is heavy"]}

            return {**Jars().verbs, "create": create}

    result = task(server, Telling())
    assert result["weight"] == 7
    assert result["plan"]["notes"] == ["it is heavy"]


def test_a_long_step_is_shown_where_somebody_looks(server: Server) -> None:
    told: List[Any] = []

    def verb(work: Work, step: Step) -> None:
        told.append(work.tell)

    step = Step("1", "jar/a", "do", ("it",))
    made(server, (step,), verb)
    server.progress = Progress(lambda slow: None)
    made(server, (step,), verb)
    server.progress.close()
    names = [getattr(tell, "__qualname__", "") for tell in told]
    assert names == ["Work.<lambda>", "Activity.tell"]
