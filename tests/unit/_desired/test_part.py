"""Several resources in one run: steps are executed together, all else goes by address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.apply import apply
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.bounds import check_bounds
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import (
    FleetError,
    Refused,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.part import Part
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.plan import Plan
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.work import Verbs, Work

from .jars import Jar, Jars, Server

RED = {"glass": "red", "size": 1}


def looked_at(server: Server, *jars: Jar) -> List[Part]:
    """Return jars that were looked at and planned."""
    parts = [Part(Jars(), jar) for jar in jars]
    for part in parts:
        part.look(server, {}, False)
        part.make_plan()
    return parts


def after(part: Part, other: Part) -> None:
    """Have the steps of one jar wait for those of another."""
    first, *rest = part.plan.steps
    first = replace(first, needs=(other.plan.steps[-1].id,))
    part.plan = replace(part.plan, steps=(first, *rest))


def test_each_has_a_result_of_its_own_under_its_address() -> None:
    server = Server(b=dict(RED))
    parts = looked_at(server, Jar("a", RED), Jar("b", {**RED, "size": 2}), Jar("c", RED))
    ids = [step.id for part in parts for step in part.plan.steps]
    assert len(set(ids)) == len(ids) == 3
    after(parts[0], parts[1])
    after(parts[1], parts[2])
    results = apply(parts, server)
    assert server.writes == ["create c", "set b", "create a"]
    assert {address: result["created"] for address, result in results.items()} == {
        "jar/a": True,
        "jar/b": False,
        "jar/c": True,
    }
    assert results["jar/b"]["jar"] == {"glass": "red", "size": 2}
    assert results["jar/b"]["plan"]["text"].startswith("jar/b\n  size: 1 → 2")
    assert all(not part.plan.steps for part in looked_at(server, *(part.desired for part in parts)))


def test_what_is_as_declared_is_looked_at_once_and_unchanged() -> None:
    server = Server()
    apply(looked_at(server, Jar("a", RED)), server)
    server.writes.clear()
    parts = looked_at(server, Jar("a", RED), Jar("b", RED))
    server.looks = [None, FleetError("one look too many")]
    results = apply(parts, server)
    assert server.writes == ["create b"]
    assert (results["jar/a"]["changed"], results["jar/b"]["changed"]) == (False, True)


def test_only_what_was_not_done_goes_back() -> None:
    class Full(Server):
        """One that has no room for b."""

        def write(self, verb: str, name: str, **settings: Any) -> None:
            """Refuse to make b."""
            if (verb, name) == ("create", "b"):
                raise FleetError("no room")
            super().write(verb, name, **settings)

    server = Full(b={"glass": "green", "size": 1})
    parts = looked_at(server, Jar("a", RED), Jar("b", RED), Jar("c", RED))
    after(parts[1], parts[0])
    after(parts[2], parts[1])
    resources: Any = [part.resource for part in parts]
    with pytest.raises(FleetError) as raised:
        apply(parts, server)
    assert str(raised.value) == "jar/b: no room"
    assert [resource.gone_back for resource in resources] == [[], [["remove"]], []]
    assert "a" in server.jars
    details = raised.value.details
    assert details["changed"] is True
    assert (details["done"], details["failed_step"], details["not_begun"]) == (
        ["create a", "remove b"],
        "create b",
        ["create c"],
    )
    assert all(f"jar/{name}\n" in details["plan"]["text"] for name in "abc")


def test_bounds_are_those_of_each_and_all_reasons_are_told() -> None:
    server = Server(**{name: {"glass": "green", "size": 1} for name in "abc"})
    jars = (
        Jar("a", {**RED, "glass": "green", "size": 2}, allow=()),
        Jar("b", RED, protect=True),
        Jar("c", RED),
    )
    with pytest.raises(Refused) as raised:
        check_bounds(looked_at(server, *jars))
    text = str(raised.value)
    assert text.startswith("jar/a, jar/b: refused: size: 1 → 2")
    assert "allow has only nothing; glass: green → red" in text
    assert text.endswith("protect forbids replacing or removing it")
    assert "jar/c\n" in raised.value.details["plan"]["text"]


def test_a_step_about_another_resource_has_its_verbs() -> None:
    seen: List[str] = []

    class Shelf:
        """Something beside the jar."""

        @property
        def verbs(self) -> Verbs:
            """Its one verb."""

            def create(work: Work, step: Any) -> None:
                seen.append(f"{step.address} for {work.desired.address}")

            return {"create": create}

    server = Server()
    (part,) = looked_at(server, Jar("a", RED))
    (step,) = part.plan.steps
    other = replace(step, id="jar/a#0", address="shelf/1", needs=())
    part.plan = Plan((other, replace(step, needs=(other.id,))), others={"shelf/1": Shelf()})
    result = apply([part], server)["jar/a"]
    assert seen == ["shelf/1 for jar/a"]
    assert [entry["address"] for entry in result["plan"]["steps"]] == ["shelf/1", "jar/a"]
    assert server.writes == ["create a"]


def test_a_plan_that_is_made_again_uses_no_id_twice() -> None:
    server = Server()
    (part,) = looked_at(server, Jar("a", RED, filling="jam"))
    result = apply([part], server)["jar/a"]
    assert server.writes == ["fetch jam", "create a", "fill a"]
    ids = [step["id"] for step in result["plan"]["steps"]]
    assert len(set(ids)) == len(ids) == 3
