"""Applying: what is verified, what is undone after a failure, and what the user is told of it."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Dict, List, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.apply import apply
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.plan import Plan
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.steps import Step
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.work import Verbs, Work

from tests.lab.core import run_task

from .jars import Jar, Jars, Seen, Server, part

ONE = {"name": "a", "glass": "green", "size": 1}


class Lost(FleetError):
    """A connection broke: nobody knows whether the server did it."""

    outcome_unknown = True


class NotTried(FleetError):
    """The server refused it, and has not even tried."""

    refused = True


@pytest.fixture
def server() -> Server:
    return Server()


def task(server: Server, resource: Any = None, **params: Any) -> Dict[str, Any]:
    return run_task(resource or Jars(), {**ONE, **params}, lambda: server)


def failed(server: Server, resource: Any = None, **params: Any) -> Dict[str, Any]:
    result = task(server, resource, **params)
    assert result.get("failed") is True, result
    assert "jar" not in result
    return result


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


class Numbered(Jars):
    """Jars with ids, so that one jar can be told from another."""

    def identity(self, observed: Seen) -> Any:
        """Return the id of the jar that is there."""
        return str((observed.jar or {}).get("id", ""))


class Noting(Numbered):
    """Its verbs note the id of what they have made."""

    @property
    def verbs(self) -> Verbs:
        """The verbs of jars, and a note of each creation."""

        def create(work: Work, step: Step) -> None:
            work.note(step, id="1")
            Jars().verbs["create"](work, step)
            work.client.jars["a"]["id"] = "1"

        return {**Jars().verbs, "create": create}


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


def test_a_first_step_that_is_refused_leaves_all_as_it_is(server: Server) -> None:
    server.broken["create"] = NotTried("somebody was faster")
    resource = Jars()
    result = failed(server, resource)
    assert (result["msg"], result["changed"]) == ("jar/a: somebody was faster", False)
    assert (result["failed_step"], result["done"]) == ("create a", [])
    assert resource.gone_back == []


def test_what_was_done_before_a_failure_is_undone(server: Server) -> None:
    server.jars["a"] = {"glass": "brown"}
    server.broken["create"] = FleetError("no room")
    resource = Jars()
    result = failed(server, resource)
    assert result["msg"] == "jar/a: no room"
    assert resource.gone_back == [["remove"]]
    # Jars do not get back what was removed, and so it is a change.
    assert (result["changed"], result["done"], result["not_begun"]) == (True, ["remove a"], [])
    assert result["failed_step"] == "create a"
    assert result["plan"]["text"].startswith("jar/a\n  glass: brown → green [replace]\n")


def test_steps_that_did_not_begin_are_told(server: Server) -> None:
    server.jars["a"] = {"glass": "brown"}
    server.broken["remove"] = FleetError("it is stuck")
    result = failed(server)
    assert (result["done"], result["failed_step"]) == ([], "remove a")
    assert (result["not_begun"], result["changed"]) == (["create a"], False)


def test_a_step_whose_outcome_is_unknown_counts_as_begun(server: Server) -> None:
    server.broken_after["create"] = Lost("the connection broke")
    resource = Jars()
    result = failed(server, resource)
    assert resource.gone_back == [["create"]]
    assert server.writes == ["create a", "remove a"]
    assert server.jars == {}
    # All is as it was.
    assert (result["msg"], result["changed"]) == ("jar/a: the connection broke", False)


def test_a_step_that_has_failed_for_sure_does_not(server: Server) -> None:
    server.broken["create"] = FleetError("no room")
    resource = Jars()
    assert failed(server, resource)["changed"] is False
    assert resource.gone_back == [[]]


def test_a_step_that_noted_something_counts_as_begun(server: Server) -> None:
    server.broken["create"] = FleetError("no room")
    resource = Noting()
    failed(server, resource)
    assert resource.gone_back == [["create"]]
    assert resource.noted == [{"id": "1"}]


@pytest.mark.parametrize("error", [KeyError("hush-hush"), TypeError("hush-hush")])
def test_what_nobody_foresaw_counts_as_begun_and_is_told_without_its_words(
    server: Server, error: Exception
) -> None:
    """It may hold a value, and come of the answer to what was done."""
    server.broken_after["create"] = error
    result = failed(server)
    assert server.jars == {}
    said = f"jar/a: what the server answered cannot be read ({type(error).__name__} in jars.py"
    assert result["msg"].startswith(said)
    assert "hush-hush" not in str(result)
    assert (result["failed_step"], result["changed"]) == ("create a", False)


def test_an_error_of_the_system_is_told_in_its_words(server: Server) -> None:
    server.broken["create"] = OSError("no space left")
    assert failed(server)["msg"] == "jar/a: OSError: no space left"


@pytest.mark.parametrize(
    "error", [FleetError("it is stuck"), KeyError("hush-hush")], ids=["ours", "strange"]
)
@pytest.mark.parametrize("where", ["a step back", "the look"])
def test_a_failure_on_the_way_back_is_told_beside_the_first(
    server: Server, error: Exception, where: str
) -> None:
    server.broken_after["create"] = Lost("the connection broke", hint="try again")
    if where == "the look":
        server.looks = [None, error]
    else:
        server.broken["remove"] = error
    result = failed(server)
    said = "it is stuck"
    if isinstance(error, KeyError):
        said = "what the server answered cannot be read (KeyError in jars.py"
    head = f"jar/a: the connection broke; try again; recovery failed too ({said}"
    assert result["msg"].startswith(head)
    assert result["msg"].endswith("; the next run continues from here")
    assert "hush-hush" not in str(result)
    assert (result["failed_step"], result["changed"]) == ("create a", True)


def test_what_is_refused_on_the_way_back_is_looked_at_anew(server: Server) -> None:
    """Another run may have done it meanwhile."""
    server.broken_after["create"] = Lost("the connection broke")
    server.broken["remove"] = NotTried("it is being removed")
    resource = Jars()
    result = failed(server, resource)
    assert resource.gone_back == [["create"]] * 3
    assert "recovery failed too (it is being removed)" in result["msg"]
    assert server.writes == ["create a", *["remove a"] * 3]


def test_what_cannot_be_looked_at_after_a_failure_may_be_otherwise(server: Server) -> None:
    server.jars["a"] = {"glass": "brown"}
    server.broken["create"] = FleetError("no room")
    server.looks = [None, None, FleetError("no answer")]
    assert failed(server)["changed"] is True


@pytest.mark.parametrize("error", [FleetError("no answer"), KeyError("hush-hush")])
def test_a_failed_look_after_all_is_done_tells_what_was_done(
    server: Server, error: Exception
) -> None:
    server.looks = [None, error]
    result = failed(server)
    assert server.jars["a"]["size"] == 1
    assert (result["changed"], result["done"]) == (True, ["create a"])
    assert "hush-hush" not in str(result)


def test_what_was_brought_to_light_before_a_failure_is_told_as_done(server: Server) -> None:
    server.broken["create"] = NotTried("no room")
    result = failed(server, filling="jam")
    assert (result["changed"], result["done"]) == (True, ["fetch filling/jam"])
    assert (result["failed_step"], result["not_begun"]) == ("create a", ["fill a"])


def test_a_failed_look_after_what_was_brought_to_light_tells_it(server: Server) -> None:
    server.looks = [None, FleetError("no answer")]
    result = failed(server, filling="jam")
    assert (result["changed"], result["done"]) == (True, ["fetch filling/jam"])


def test_what_came_to_nothing_before_a_failure_is_no_change(server: Server) -> None:
    server.fetched["jam"] = server.newest["jam"]
    server.broken["create"] = NotTried("no room")
    result = failed(server, filling="jam")
    assert (result["changed"], result["done"]) == (False, [])


def test_a_failure_to_bring_to_light_leaves_all_else_not_begun(server: Server) -> None:
    server.broken["fetch"] = FleetError("no way")
    result = failed(server, filling="jam")
    assert (result["changed"], result["failed_step"]) == (False, "fetch filling/jam")
    assert result["not_begun"] == ["create a", "fill a (maybe)"]


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
    server.show = lambda line: None  # type: ignore[attr-defined]
    made(server, (step,), verb)
    names = [getattr(tell, "__qualname__", "") for tell in told]
    assert names == ["Work.<lambda>", "Progress.tell"]
