"""A case file brought to life on the fake engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Optional

from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.run import failure
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.resource import COPY
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.exec.resource import EXEC
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building.desired import (
    read_for,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network.resource import NETWORK
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.prune.resource import PRUNE
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.run.resource import JOB
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.resource import STACK
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume.resource import VOLUME

from tests.lab.core import run_validated, validated
from tests.lab.fake_archives import archive
from tests.lab.fake_engine import FakeEngine
from tests.lab.fake_images import config_of, store
from tests.lab.fake_origin import FakeOrigin
from tests.lab.fake_state import State

RESOURCES = {
    "container": CONTAINER,
    "copy": COPY,
    "exec": EXEC,
    "image": IMAGE,
    "run": JOB,
    "network": NETWORK,
    "prune": PRUNE,
    "stack": STACK,
    "volume": VOLUME,
}

_ID = re.compile(r"\b[0-9a-f]{12}(?=_)|(?<=\.old-)[0-9a-f]{12}\b")
_SHORT = re.compile(r"\b(?=[0-9a-f]*[a-f])[0-9a-f]{12}\b")
_VOLUME = re.compile(r"\b[0-9a-f]{64}\b")
_TIME = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{12}\b")


class Bench:
    """One case: the fake engine as it says, its task, and what came of running it.

    Keys of a case: `name`; `api` of the engine; `lacks` [parts of HostConfig that its
    kernel has not]; `ignores` [settings that it drops without a word];
    `images` {reference: keywords of add_image};
    `networks` and `volumes` [name or create body]; `containers` {name: {body, running}};
    `offered` {reference: keywords of add_image} on the engine of another host, and `coming`
    [references] that earlier tasks of the check would make there;
    `files` {path: text} of a build context, at `{{context}}`; `before` [params applied first,
    of another `resource`]; `then` {behaviours: {reference: …}, images: …, registry: …, files:
    …} done after that; `task` params; `pending` {address: planned}; `missing_engine`; and `plan`
    (printed), `error` (refused before any write) or `fails` (during: everything stays as it
    was).
    """

    def __init__(self, kind: str, case: Dict[str, Any], folder: Path) -> None:
        self.kind = kind
        self.case = case
        self.context = folder / "context"
        self.fake = FakeEngine(api=str(case.get("api", "1.41")))
        self.other = FakeEngine()
        self.task = self._filled(case.get("task", {}))

    def __enter__(self) -> Bench:
        self.fake.__enter__()
        self.other.__enter__()
        for reference, options in (self.case.get("offered") or {}).items():
            self.other.add_image(reference, **options)
        return self

    def __exit__(self, *exc: Any) -> None:
        self.fake.__exit__(*exc)
        self.other.__exit__(*exc)

    @property
    def writes(self) -> List[Any]:
        """What has been written to the engine since it was prepared."""
        return list(self.fake.writes)[self._prepared :]

    @property
    def error(self) -> str:
        """The error that the case expects."""
        return str(self._filled(self.case["error"]))

    def prepare(self) -> None:
        """Make what the case says is there."""
        self._prepared = 0
        self._images(self.case.get("images", {}))
        self._files(self.case.get("files", {}))
        self.fake.state.lacks += self.case.get("lacks", ())
        self.fake.state.ignores += self.case.get("ignores", ())
        self._archives(self.case.get("archives") or {})
        self.fake.registry.update(self.case.get("registry") or {})
        client = self.client()
        for kind in ("networks", "volumes"):
            for one in self.case.get(kind, ()):
                body = one if isinstance(one, dict) else {"Name": one}
                client.post(f"/{kind}/create", None, {"CheckDuplicate": True, **body})
        for name, made in (self.case.get("containers") or {}).items():
            client.post("/containers/create", {"name": name}, made["body"])
            if made.get("running", True):
                client.post(f"/containers/{name}/start")
        for params in self.case.get("before", ()):
            kind = params.get("resource", self.kind)
            given = {key: value for key, value in params.items() if key != "resource"}
            result = self.run(self._filled(given), kind=kind)
            assert not result.get("failed"), result["msg"]
        self._then(self.case.get("then") or {})
        self._prepared = len(self.fake.writes)

    def run(
        self, params: Dict[str, Any], check: bool = False, kind: Optional[str] = None
    ) -> Dict[str, Any]:
        """Run a task as the front ends do; return its result."""
        resource = RESOURCES[kind or self.kind]
        if resource is CONTAINER and "monitor" not in params:
            params = {**params, "monitor": self._monitor(params)}
        try:
            options = validated(resource.spec(), params, known=True)
            if options.get("from_host"):
                coming = self.case.get("coming", ())
                options["_origin"] = FakeOrigin(
                    self.other.socket_path, options["from_host"], coming if check else ()
                )
            if options.get("build") and "_context" in resource.spec():
                options["_context"] = read_for(options["build"])
        except FleetError as error:
            return failure(error)
        return run_validated(resource, options, self.connect, check, self.case.get("pending"))

    def _monitor(self, params: Dict[str, Any]) -> str:
        """Return for how long to look at a container: one that fails does so at its own pace."""
        return "20s" if "fails" in self.case and params is self.task else "50ms"

    def connect(self) -> Client:
        """Return a client, unless the case has no engine yet."""
        if self.case.get("missing_engine"):
            return Client(unix_dial("/nowhere/engine.sock"), 5)
        return self.client()

    def client(self) -> Client:
        """Return a new client of the fake engine."""
        return Client(unix_dial(self.fake.socket_path), 10)

    def text(self, result: Dict[str, Any]) -> str:
        """Return the printed plan with ids made equal, so that cases can be written by hand."""
        text = _ID.sub("<id>", result["plan"]["text"])
        text = text.replace(str(self.context), "{{context}}")
        text = _TIME.sub("<time>", text)
        text = _VOLUME.sub("<volume>", _DIGEST.sub("<digest>", text))
        return _SHORT.sub("<id>", text)

    def picture(self) -> Dict[str, Any]:
        """Return what a user would look at: names, ids, run states, policies, endpoints."""
        client = self.client()
        listed = client.get("/containers/json", {"all": True})
        seen = [client.get(f"/containers/{one['Id']}/json") for one in listed]
        return {
            one["Name"]: (
                *(one["Id"], one["State"]["Running"], one["HostConfig"]["RestartPolicy"]),
                {name: _point(end) for name, end in one["NetworkSettings"]["Networks"].items()},
            )
            for one in seen
        }

    def checked(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Return a task's options as a front end hands them on."""
        spec = RESOURCES[self.kind].spec()
        return validated(spec, {"monitor": "50ms", **params}, known=True)

    def _then(self, changes: Dict[str, Any]) -> None:
        self._images(changes.get("images", {}))
        self.fake.registry.update(changes.get("registry") or {})
        self._files(changes.get("files", {}))
        self._archives(changes.get("archives") or {})
        for reference, behaviour in changes.get("behaviours", {}).items():
            self.fake.behave(reference, behaviour)

    def _images(self, images: Dict[str, Any]) -> None:
        for reference, options in images.items():
            self.fake.add_image(reference, **(options or {}))

    def _archives(self, archives: Dict[str, Dict[str, Any]]) -> None:
        for name, images in archives.items():
            state = State("1.41")
            made = [
                {**store(state, ref, config_of(options), ref), "RepoTags": [ref]}
                for ref, options in images.items()
            ]
            self.context.mkdir(exist_ok=True)
            (self.context / name).write_bytes(archive(*made))

    def _files(self, files: Dict[str, Optional[str]]) -> None:
        for name, text in files.items():
            path = self.context / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if isinstance(value, str):
            return value.replace("{{context}}", str(self.context))
        return value


def _point(end: Dict[str, Any]) -> Dict[str, Any]:
    """Return what an endpoint was asked for, and whether it is there."""
    asked = {key: end[key] or None for key in ("IPAMConfig", "Links", "Aliases", "DriverOpts")}
    return {**asked, "connected": bool(end["EndpointID"])}
