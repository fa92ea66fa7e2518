"""A resource as small as can be: jars, which a dict keeps.

A jar has a glass (another one is another jar), a size, labels and a secret key. What it is filled
with has to be fetched first, which tells whether it has to be filled anew: a `maybe` step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.dockyard.fleet.plugins.module_utils._desired.diff import diff
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.fields import (
    Context,
    FieldSpec,
    Scope,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.ownership import read
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.part import Part
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.plan import Plan
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.planned import Pending
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.progress import Progress
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.record import encode_record
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.resource import Resource
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.schema import (
    argument_spec,
    declare,
    observed_values,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.steps import Chain, Step
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.work import Verbs, Work

from tests.lab.core import run_task

LIVE = {"change": "live", "unset": "live", "live": "set"}
FIELDS = (
    FieldSpec("glass", "glass", {"type": "str"}),
    FieldSpec("size", "size", {"type": "int"}, **LIVE),
    FieldSpec("labels", "labels", {"type": "dict"}, compare="map", **LIVE),
    FieldSpec("key", "key", {"type": "str", "no_log": True}, secret=True, **LIVE),
)


ONE = {"name": "a", "glass": "green", "size": 1}


class Server:
    """Keeps jars by name, and lists what it was asked to write.

    `ignores` are settings that it drops without a word. `broken` has what a write raises, by its
    verb, `broken_after` what it raises once it is done; `looks` what looks raise, one after
    another, None for one that does not. `progress` shows steps that take long.
    """

    def __init__(self, **jars: Dict[str, Any]) -> None:
        self.jars = jars
        self.fetched: Dict[str, str] = {}
        self.newest = {"jam": "jam 1"}
        self.writes: List[str] = []
        self.ignores: Tuple[str, ...] = ()
        self.broken: Dict[str, Exception] = {}
        self.broken_after: Dict[str, Exception] = {}
        self.looks: List[Optional[BaseException]] = []
        self.progress: Optional[Progress] = None

    def worker(self) -> Server:
        """Return the client of one more worker."""
        return self

    def look(self, name: str) -> Optional[Dict[str, Any]]:
        """Return a jar."""
        error = self.looks.pop(0) if self.looks else None
        if error is not None:
            raise error
        jar = self.jars.get(name)
        return None if jar is None else {**jar, "labels": dict(jar.get("labels", {}))}

    def write(self, verb: str, name: str, **settings: Any) -> None:
        """Remove a jar, or give one these settings; it is made if it is not there."""
        self.writes.append(f"{verb} {name}")
        if verb in self.broken:
            raise self.broken[verb]
        if verb == "remove":
            self.jars.pop(name, None)
        else:
            jar = self.jars.setdefault(name, {})
            jar.update({key: value for key, value in settings.items() if key not in self.ignores})
        if verb in self.broken_after:
            raise self.broken_after[verb]


@dataclass(frozen=True)
class Jar:
    """What a task declares."""

    name: str
    declared: Mapping[str, Any]
    filling: str = ""
    gone: bool = False
    allow: Tuple[str, ...] = ("live", "replace")
    protect: bool = False

    @property
    def address(self) -> str:
        """What plans call it."""
        return f"jar/{self.name}"


@dataclass(frozen=True)
class Seen:
    """What is there; `fetched` is what the jar would be filled with."""

    jar: Optional[Dict[str, Any]]
    fetched: str = ""
    settled: bool = False


class Jars(Resource):
    """The resource; `gone_back` has for each way back the verbs that were begun, `noted` what
    the last of them had noted.
    """

    name = "jar"
    server = "pantry"
    reveals = ("fetch",)
    looks = ("weigh",)

    def __init__(self) -> None:
        self.gone_back: List[List[str]] = []
        self.noted: List[Mapping[str, str]] = []

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        return {
            "create": _create,
            "remove": lambda work, step: work.client.write("remove", step.args["on"]),
            "set": _set,
            "fetch": _fetch,
            "fill": _fill,
            "weigh": lambda work, step: None,
        }

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec."""
        return {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
            "filling": {"type": "str", "default": ""},
            "allow": {"type": "list", "elements": "str", "default": ["live", "replace"]},
            "protect": {"type": "bool", "default": False},
            **argument_spec(FIELDS),
        }

    def desired(self, params: Mapping[str, Any]) -> Jar:
        """Return what is declared."""
        return Jar(
            params["name"],
            declare(FIELDS, params),
            params["filling"],
            params["state"] == "absent",
            tuple(params["allow"]),
            params["protect"],
        )

    def observe(self, client: Any, desired: Jar, pending: Pending, settled: bool) -> Seen:
        """Return the jar, and what it would be filled with."""
        if client is None:
            return Seen(None)
        return Seen(client.look(desired.name), client.fetched.get(desired.filling, ""), settled)

    def compare(self, desired: Jar, observed: Seen) -> Any:
        """Return what differs."""
        if observed.jar is None or desired.gone:
            return []
        record = read(observed.jar.get("record"), desired.address)
        context = Context(desired.declared, record=record)
        return diff(FIELDS, context, observed_values(FIELDS, observed.jar, context), Scope())

    def plan(self, desired: Jar, observed: Seen, difference: Any) -> Plan:
        """Return the steps."""
        chain, name = Chain(desired.address), desired.name
        if desired.gone:
            if observed.jar is not None:
                chain.add("remove", "state: absent", "destroy", on=name, effect="remove")
            return Plan(tuple(chain.steps))
        if desired.filling and not observed.settled:
            chain.add("fetch", f"filling: {desired.filling}", address=f"filling/{desired.filling}")
        causes = tuple(change.words() for change in difference)
        if observed.jar is None:
            chain.add("create", "not there", on=name, effect="create")
        elif any(change.impact == "replace" for change in difference):
            changes = tuple(difference)
            chain.add("remove", causes, "replace", on=name)
            chain.add("create", causes, "replace", changes, on=name, effect="create")
        else:
            for change in difference:
                chain.add(
                    "set", change.words(), change.impact, (change,), on=name, key=change.field
                )
        has = (observed.jar or {}).get("filling", "")
        if desired.filling and (not observed.settled or has != observed.fetched):
            chain.add("fill", "another filling", "live", maybe=not observed.settled, on=name)
        return Plan(tuple(chain.steps))

    def recover(self, desired: Jar, observed: Seen, begun: List[Step]) -> Plan:
        """Return the way back: what was created goes again."""
        self.gone_back.append([step.verb for step in begun])
        self.noted = [step.noted for step in begun]
        chain = Chain(desired.address)
        if observed.jar is not None and any(step.verb == "create" for step in begun):
            chain.add("remove", "going back", on=desired.name)
        return Plan(tuple(chain.steps))

    def present(self, observed: Seen) -> Any:
        """Return the jar without its key."""
        if observed.jar is None:
            return None
        shown = ("filling", "glass", "labels", "size")
        return {key: observed.jar[key] for key in shown if observed.jar.get(key)}

    def declares(self, desired: Jar) -> Any:
        """Return the table, and what is declared."""
        return FIELDS, desired.declared


def part(desired: Jar, plan: Plan, resource: Optional[Resource] = None) -> Part:
    """Return a jar of a run with this plan; none is there yet."""
    made = Part(resource or Jars(), desired)
    made.observed, made.plan = Seen(None), plan
    return made


def _create(work: Work, step: Step) -> None:
    desired = work.desired
    record = encode_record(desired.address, FIELDS, desired.declared, {})
    work.client.write("create", step.args["on"], **desired.declared, record=record)


def _set(work: Work, step: Step) -> None:
    key = step.args["key"]
    work.client.write("set", step.args["on"], **{key: work.desired.declared.get(key)})


def _fetch(work: Work, step: Step) -> bool:
    server, filling = work.client, work.desired.filling
    server.writes.append(f"fetch {filling}")
    if "fetch" in server.broken:
        raise server.broken["fetch"]
    newer = server.fetched.get(filling) != server.newest[filling]
    server.fetched[filling] = server.newest[filling]
    return newer


def _fill(work: Work, step: Step) -> None:
    work.client.write("fill", step.args["on"], filling=work.client.fetched[work.desired.filling])


class Lost(FleetError):
    """A connection broke: nobody knows whether the server did it."""

    outcome_unknown = True


class NotTried(FleetError):
    """The server refused it, and has not even tried."""

    refused = True


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


def task(server: Server, resource: Any = None, **params: Any) -> Dict[str, Any]:
    """Apply a task about the jar `a`; return its result."""
    return run_task(resource or Jars(), {**ONE, **params}, lambda: server)


def failed(server: Server, resource: Any = None, **params: Any) -> Dict[str, Any]:
    """Apply a task that has to fail; return its result."""
    result = task(server, resource, **params)
    assert result.get("failed") is True, result
    assert "jar" not in result
    return result
