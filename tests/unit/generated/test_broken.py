"""Specifications with broken values: each ends in one error that names an option."""

from __future__ import annotations

import collections
import re
from typing import Any, Callable, Iterator

import pytest

from tests.lab.amounts import amount
from tests.lab.fake_engine import FakeEngine
from tests.lab.fieldtable import Params, honoured
from tests.lab.front import Front
from tests.lab.specs import Specs

WANTED = amount(2_000, 10_000)
SEED = 20
NAMES = {
    "peer": "peer",
    "net": "net",
    "prefix": "web",
    "image1": "app:1",
    "image2": "app:2",
    "device": "/dev/vda",
}
# How an error of ours begins, and how ansible-core names an option.
_OURS = re.compile(r"(?P<option>[^.:\[]*)[^:]*: ")
_CORES = re.compile(r"(?:argument|value of|arguments:) '?(\w+)")
_VALUES = re.compile(
    r"'[^']*'|\"[^\"]*\"|\[\d+\]|(?<=got: ).*|\b\d[\w.]*|(?<=named )\S+", re.DOTALL
)


class Yard:
    """A fake engine with two containers, `web` and `peer`, and the way of a task to it."""

    def __init__(self, fake: FakeEngine) -> None:
        self.fake = fake
        for number in "12":
            fake.add_image(f"app:{number}", env={"RELEASE": number}, volumes=["/data"])
        self.front = Front(fake.socket_path)
        self.front.client.post("/networks/create", None, {"Name": "net"})
        for name in ("peer", "web"):
            assert self.front.run({"name": name, "image": "app:1"})["changed"]
        self.known = {*self.front.options, *self.front.options["healthcheck"]["options"]}

    def picture(self) -> Any:
        """Return what there is on the engine, as it would be seen."""
        return self.front.client.get("/containers/json", {"all": True})

    def tried(self, params: Params) -> str:
        """Run a task in check mode and for real; return its error, "" if it is a good one."""
        self.fake.forget()
        result = self.front.run(params, check=True)
        assert self.fake.writes == [], "check mode wrote to the engine"
        if not result.get("failed"):
            return ""
        assert self.front.run(params)["msg"] == result["msg"]
        assert self.fake.writes == [], "a refused task wrote to the engine"
        return str(result["msg"])

    def names_an_option(self, message: str) -> bool:
        """Tell whether an error begins with an option, or is ansible-core's about one; of several
        that are told together, whether each does."""
        first, *parts = message.split("\n- ")
        if parts:
            return first == f"{len(parts)} options are wrong:" and all(
                map(self.names_an_option, parts)
            )
        ours = _OURS.match(message)
        if ": unknown option; " in message or (ours and ours["option"] in self.known):
            return True
        return any(name in self.known for name in _CORES.findall(message))

    def unharmed(self, params: Params) -> None:
        """Run what passes as good: it works, or leaves everything as it was."""
        before = self.picture()
        result = self.front.run(params)
        if result.get("failed"):
            assert self.picture() == before, result["msg"]
        for one in self.picture():
            if one["Names"] not in (["/web"], ["/peer"]):
                self.front.client.delete(f"/containers/{one['Id']}", {"force": True})


@pytest.fixture
def yard() -> Iterator[Yard]:
    with FakeEngine() as fake:
        yield Yard(fake)


def test_each_is_one_error_that_names_an_option_and_changes_nothing(
    yard: Yard, record_property: Callable[[str, object], None]
) -> None:
    specs = Specs(SEED, honoured((1, 41), "docker"), NAMES, ["app:1", "app:2"])
    messages: collections.Counter[str] = collections.Counter()
    sound = 0
    wrong: list[str] = []
    while messages.total() < WANTED and len(wrong) < 10:
        params = specs.broken()
        try:
            message = yard.tried(params)
            if message:
                messages[_VALUES.sub("…", message)] += 1
                assert yard.names_an_option(message), message
            else:  # what was mistyped can mean something all the same
                sound += 1
                yard.unharmed(params)
        except Exception as error:
            wrong.append(f"{error!r} for {params}")
    assert not wrong, "\n".join(wrong)
    record_property("broken", messages.total())
    record_property("sound after all", sound)
    print(f"{messages.total()} broken, {sound} sound after all; the ten most frequent messages:")
    for text, count in messages.most_common(10):
        print(f"{count:6} {text}")
