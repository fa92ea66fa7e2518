"""Applying that fails: what is undone, and what the user is told was done, and was not."""

from __future__ import annotations

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError

from .jars import Jars, Lost, Noting, NotTried, Server, failed


@pytest.fixture
def server() -> Server:
    return Server()


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


def test_who_could_not_go_back_says_that_something_may_have_changed(server: Server) -> None:
    """Even if all seems to be as it was."""
    server.broken["create"] = Lost("the connection broke")
    server.looks = [None, FleetError("no answer"), None, None]
    assert failed(server)["changed"] is True
    assert server.jars == {}


def test_a_pull_that_may_have_been_lost_is_no_change_if_it_would_be_made_again(
    server: Server,
) -> None:
    server.broken["fetch"] = Lost("the connection broke")
    result = failed(server, filling="jam")
    assert (result["failed_step"], result["changed"]) == ("fetch filling/jam", False)


def test_who_went_back_after_a_pull_that_came_to_nothing_has_changed_nothing(
    server: Server,
) -> None:
    server.fetched["jam"] = server.newest["jam"]
    server.broken_after["create"] = Lost("the connection broke")
    result = failed(server, filling="jam")
    assert server.writes == ["fetch jam", "create a", "remove a"]
    assert (result["failed_step"], result["changed"]) == ("create a", False)


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
    assert result["plan"] == {"text": "jar/a\n  not there [none]\n    create a\n"}
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
