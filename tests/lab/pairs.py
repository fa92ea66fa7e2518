"""Check is apply, for any pair of what is there and what is declared."""

from __future__ import annotations

import contextlib
from typing import Any, Counter, Dict, Iterable, List, Protocol

from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import Client

from tests.lab.agree import agree
from tests.lab.fieldtable import Params
from tests.lab.front import Front
from tests.lab.serving import Server
from tests.lab.specs import Pair

Json = Dict[str, Any]


class Engine(Protocol):
    """What a pair is played on: a server that can fail and records, an image to retag."""

    front: Front
    client: Client  # past the record and the faults

    @property
    def server(self) -> Server: ...

    def retag(self) -> None: ...


def play(engine: Engine, pair: Pair, name: str) -> str:
    """Play a pair and return what became of it: refused, nothing, changed.

    Raise AssertionError if apply did other than check announced, if check wrote, or if the plan
    after apply is not empty.
    """
    engine.front.run({**pair.observed, "name": name, "adopt": True})
    _disturb(engine, pair, name)
    task = {**pair.declared, "name": name}
    engine.server.forget()
    check = engine.front.run(task, check=True)
    assert engine.server.writes == [], "check mode wrote to the engine"
    apply = engine.front.run(task)
    if check.get("failed"):
        assert apply.get("msg") == check["msg"]
        assert engine.server.writes == [], "a refused task wrote to the engine"
        return "refused"
    assert not apply.get("failed"), f"check: {check['plan']['text']}apply: {apply['msg']}"
    agree(check, apply)
    engine.server.forget()
    for in_check in (True, False):
        again = engine.front.run(task, check=in_check)
        assert not again.get("failed"), again["msg"]
        # To be made anew each time is what `recreate: always` asks for.
        if task.get("recreate") != "always":
            assert again["plan"]["steps"] == [], f"a second time: {again['plan']['text']}"
            assert engine.server.writes == []
    return "changed" if apply["changed"] else "nothing"


def clear(engine: Engine, name: str) -> None:
    """Remove what a pair has left of its container."""
    for one in engine.client.get("/containers/json", {"all": True, "filters": {"name": [name]}}):
        engine.client.delete(f"/containers/{one['Id']}", {"force": True, "v": True})


def play_all(engine: Engine, drawn: Iterable[Pair], name: str, became: Counter[str]) -> List[str]:
    """Play pairs one after another, counting what became of them; return what went wrong."""
    wrong = []
    for pair in drawn:
        try:
            became[play(engine, pair, name)] += 1
        except AssertionError as error:
            wrong.append(f"{pair}\n{error}")
        clear(engine, name)
    return wrong


def _disturb(engine: Engine, pair: Pair, name: str) -> None:
    """Do to the container what people, crashes and other tools do between two runs."""
    kind = pair.done
    if kind == "cut short":
        for number in range(1 + pair.number % 9, 60):
            engine.server.faults.at(number, "drop")
        engine.front.run({**pair.aside, "name": name})
        engine.server.faults.reset()
    elif kind == "retag":
        engine.retag()
    elif kind == "foreign":
        clear(engine, name)
        body: Params = {"Image": pair.observed["image"], "Labels": {"by": "hand"}}
        made = engine.client.post("/containers/create", {"name": name}, body)
        if pair.number % 2:
            engine.client.post(f"/containers/{made['Id']}/start")
    # The container may not be there, or not running, or not on that network: so be it.
    with contextlib.suppress(FleetError):
        if kind == "stop":
            engine.client.post(f"/containers/{name}/kill")
        elif kind == "limit":
            limits = {"Memory": 96 << 20, "MemorySwap": 192 << 20, "PidsLimit": 33}
            engine.client.post(f"/containers/{name}/update", None, limits)
        elif kind == "leave":
            engine.client.post("/networks/bridge/disconnect", None, {"Container": name})
