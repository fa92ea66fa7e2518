"""The scenarios of community.docker's own tests of its container module, played by our core.

`tests/cases/peer_container.yml` has them, as facts in our keys. `scenario` is their file and its
subject; `with` are options of every step; `steps` are tasks in their order:

do: our options, or `again` for those of the step before; gone: only once the engine has removed the
container by itself; check: in check mode; module: run for the module that runs a container to its
end; is: what has to come of it, changed, unchanged or failed, a list where their test leaves it to
the machine; says: a regular expression that the message of a failure holds; sees: paths of the
container's inspection and what stands there; same: whether it is the container of the step before,
by its id; theirs: what their test expects, if that differs, and why, a name in `reasons`. `unlike`
in place of `steps` is such a reason for a scenario that has no counterpart. `lacks` is a regular
expression: if the first step fails with it, this machine cannot do it, which their test accepts.

A step has an image, a command, `state: present` and `wait: none` unless it says otherwise. Names in
braces stand for what the stage holds: {net1}, {peer1}, {image1} and so on.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import sys
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Set

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.values import dig
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    EngineError,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.fields import mounts
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.env_files import with_files

from tests.lab.core import WrongArguments, run_task
from tests.lab.corework import RESOURCES
from tests.lab.fake_layers import packed
from tests.lab.ground import COMMAND, IMAGE, network_number
from tests.lab.registry import Registry

TABLE = Path(__file__).parents[1] / "cases" / "peer_container.yml"
BASE = {"image": IMAGE, "command": COMMAND, "state": "present", "wait": "none"}
# So many scenarios at once: most of their time the engine is what is waited for.
HANDS = 4
# The property of a test by which the report reaches the summary.
PEER = "peer"
SOCKET = "/var/run/docker.sock"
Params = Dict[str, Any]
# The images of the stage: what is in each beside busybox.
_IMAGES = {
    "image1": 'ENV RELEASE=1\nCMD ["/bin/true"]',
    "image2": "ENV RELEASE=2",
    "labelled": "LABEL img_label=base",
    "probed": "HEALTHCHECK --interval=200ms --timeout=30s --retries=2 CMD test -e /well",
    "exposing": "EXPOSE 7000",
}


@dataclass
class Verdict:
    """What came of a scenario: its name, what went wrong, and the steps that differ by design."""

    scenario: str
    wrong: List[str] = field(default_factory=list)
    unlike: List[str] = field(default_factory=list)
    lacking: str = ""
    steps: int = 0


def table() -> Params:
    """Return the scenarios and the reasons."""
    made: Params = yaml.safe_load(TABLE.read_text())
    return made


class Stage:
    """What scenarios name: images, networks with fixed addresses, containers to lean on."""

    def __init__(self, socket_path: str, folder: Path) -> None:
        self._socket = socket_path
        self._registry = Registry(folder)
        (folder / "variables.env").write_text("# two\nTEST3=val3\nTEST4=val4\n")
        self.client = Client(unix_dial(socket_path), 60)
        self._volumes: Set[str] = set()
        self.prefix = f"fleet-peer-{uuid.uuid4().hex[:6]}"
        number = network_number()
        self.names = {
            **{name: f"{self.prefix}/{name}:1" for name in (*_IMAGES, "tagged")},
            **{name: f"{self.prefix}-{name}" for name in ("net1", "net2", "net3")},
            **{name: f"{self.prefix}-{name}" for name in ("peer1", "peer2", "peer3")},
            "prefix": self.prefix,
            "v4": f"10.{number}.78",
            "v6": f"fdb6:feea:{number:x}",
            "env": str(folder / "variables.env"),
        }

    def __enter__(self) -> Stage:
        for name, text in _IMAGES.items():
            self._build(self.names[name], text)
        self._tag("image1", self.names["tagged"])
        self._registry.__enter__()
        self.names["digest1"] = self._pushed("image1")
        self.names["digest2"] = self._pushed("image2")
        self.names["remote"] = self._pushed("labelled").partition("@")[0] + ":labelled"
        self.names["remote2"] = self.names["digest2"].partition("@")[0] + ":image2"
        for name in ("remote", "remote2"):
            self.client.delete(f"/images/{self.names[name]}")
        for name in ("image1", "image2"):
            self.names[f"{name}_id"] = self.client.get(f"/images/{self.names[name]}/json")["Id"]
        self.names["platforms"] = self._two_platforms()
        for name in ("net1", "net2"):
            self.client.post("/networks/create", None, {"Name": self.names[name]})
        ranges = [{"Subnet": f"{self.names['v4']}.0/24"}, {"Subnet": f"{self.names['v6']}::/64"}]
        body = {"Name": self.names["net3"], "EnableIPv6": True, "IPAM": {"Config": ranges}}
        self.client.post("/networks/create", None, body)
        for number in "123":
            body = {"ipc": "shareable", "volumes": ["/lent"], "state": "started"}
            self.run({"name": self.names[f"peer{number}"], **body})
            self.names[f"peer{number}_id"] = self.inspect(self.names[f"peer{number}"])["Id"]
        return self

    def __exit__(self, *_exc: object) -> None:
        for one in self.client.get("/containers/json", {"all": True}):
            if one["Names"][0].startswith(f"/{self.prefix}"):
                self.client.delete(f"/containers/{one['Id']}", {"force": True, "v": True})
        for volume in self._volumes:
            with contextlib.suppress(EngineError):  # it went with its container
                self.client.delete(f"/volumes/{volume}")
        for name in ("net1", "net2", "net3"):
            self.client.delete(f"/networks/{self.names[name]}")
        repo = f"{self._registry.address}/{self.prefix}"
        tags = [f"{repo}:{name}" for name in (*_IMAGES, "platforms")]
        digests = [self.names["digest1"], self.names["digest2"]]
        for name in (*tags, *digests, self.names["tagged"], *(self.names[n] for n in _IMAGES)):
            with contextlib.suppress(EngineError):
                self.client.delete(f"/images/{name}", {"force": True})
        self._registry.__exit__(None, None, None)
        self.client.close()

    def _tag(self, image: str, name: str) -> None:
        repo, _colon, tag = name.rpartition(":")
        self.client.post(f"/images/{self.names[image]}/tag", {"repo": repo, "tag": tag})

    def _two_platforms(self) -> str:
        """Have a tag that is for this machine here, and for another one in the registry."""
        repo, tag = f"{self._registry.address}/{self.prefix}", "platforms"
        layer = packed({self.prefix: b""})  # an image of this stage's own
        config = {
            "os": "linux",
            "architecture": "386",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(layer).hexdigest()}"]},
        }
        manifest = [{"Config": "c.json", "RepoTags": [f"{repo}:{tag}"], "Layers": ["layer.tar"]}]
        files = {"c.json": config, "manifest.json": manifest}
        texts = {name: json.dumps(value).encode() for name, value in files.items()}
        self._send("/images/load", {}, packed({**texts, "layer.tar": layer}))
        self._push(repo, tag)
        self.client.delete(f"/images/{repo}:{tag}")
        self._tag("image1", f"{repo}:{tag}")
        return f"{repo}:{tag}"

    def _pushed(self, image: str) -> str:
        """Push an image to the registry and return its reference by digest there."""
        repo = f"{self._registry.address}/{self.prefix}"
        self._tag(image, f"{repo}:{image}")
        return f"{repo}@{self._push(repo, image)}"

    def _push(self, repo: str, tag: str) -> str:
        headers = {"X-Registry-Auth": base64.b64encode(b"{}").decode()}
        said = self.client.stream("POST", f"/images/{repo}/push", {"tag": tag}, None, headers)
        return "".join((line.get("aux") or {}).get("Digest", "") for line in said)

    def _build(self, name: str, text: str) -> None:
        dockerfile = f"FROM {IMAGE}\n{text}\n".encode()
        self._send("/build", {"t": name}, packed({"Dockerfile": dockerfile}))

    def _send(self, path: str, query: Params, archive: bytes) -> None:
        kind = {"Content-Type": "application/x-tar"}
        for _said in self.client.stream("POST", path, query, archive, kind):
            pass

    def inspect(self, name: str, client: Client | None = None) -> Params:
        """Return what the engine says of a container, {} if there is none."""
        try:
            found: Params = (client or self.client).get(f"/containers/{name}/json")
            # A replacement leaves those that are declared no more, and this stage leaves none.
            self._volumes |= {volume for _target, volume in mounts.anonymous(found)}
            return found
        except EngineError as error:
            if error.status != 404:
                raise
            return {}

    def run(
        self, params: Params, kind: str = "container", check: bool = False, **more: Client
    ) -> Params:
        """Run one task by the core."""
        base = BASE if kind == "container" else {"image": IMAGE, "command": COMMAND}
        filled = self.filled({**base, **params})
        if "env_file" in filled:  # its reader is the controller's part
            filled = with_files(filled, DataLoader())
        client = more.get("client", self.client)
        try:
            return run_task(RESOURCES[kind], filled, lambda: client, check)
        except WrongArguments as error:
            return {"failed": True, "msg": str(error)}

    def filled(self, value: Any) -> Any:
        """Put in what names in braces stand for."""
        text = json.dumps(value)
        for name, stands in self.names.items():
            text = text.replace(f"{{{name}}}", stands)
        return json.loads(text)

    def play(self, scenarios: List[Params]) -> Iterator[Verdict]:
        """Play scenarios, several at once, each with a container of its own."""
        with ThreadPoolExecutor(HANDS) as hands:
            yield from hands.map(self._play, enumerate(scenarios))

    def _play(self, numbered: Any) -> Verdict:
        number, scenario = numbered
        client = Client(unix_dial(self._socket), 60)
        name = f"{self.prefix}-box{number}"
        try:
            return self._steps(name, scenario, client)
        finally:
            with contextlib.suppress(EngineError):
                client.delete(f"/containers/{name}", {"force": True, "v": True})
            client.close()

    def _steps(self, name: str, scenario: Params, client: Client) -> Verdict:
        verdict = Verdict(scenario["scenario"])
        if "unlike" in scenario:
            verdict.unlike.append(scenario["unlike"])
        options: Params = {}
        before: Params = {}
        for step in scenario.get("steps", ()):
            verdict.steps += 1
            if step["do"] != "again":
                options = {"name": name, **scenario.get("with", {}), **(step["do"] or {})}
            if step.get("gone"):
                with contextlib.suppress(EngineError):  # it is gone already
                    client.post(f"/containers/{name}/wait", {"condition": "removed"})
            kind = step.get("module", "container")
            result = self.run(options, kind, step.get("check", False), client=client)
            if verdict.steps == 1 and _lacks(scenario, result):
                verdict.lacking = result["msg"]
                return verdict
            after = self.inspect(name, client)
            verdict.wrong += [
                f"{verdict.scenario}, step {verdict.steps}: {text}"
                for text in _wrong(self.filled(step), result, before, after)
            ]
            if "theirs" in step:
                verdict.unlike.append(step["why"])
            before = after
        return verdict


def _lacks(scenario: Params, result: Params) -> bool:
    pattern = scenario.get("lacks")
    return bool(pattern and result.get("failed") and re.search(pattern, result["msg"]))


def _wrong(
    step: Params, result: Params, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[str]:
    got = "failed" if result.get("failed") else "changed" if result["changed"] else "unchanged"
    wanted = step["is"] if isinstance(step["is"], list) else [step["is"]]
    if got not in wanted:
        said = result.get("msg") or result.get("plan", {}).get("text")
        yield f"{got}, not {' or '.join(wanted)}: {said}"
        return
    if not re.search(step.get("says", ""), result.get("msg", "")):
        yield f"{result['msg']!r} does not say {step['says']!r}"
    for path, stands in step.get("sees", {}).items():
        found = after if path == "whole" else dig(after, path)
        if isinstance(stands, dict) and "has" in stands:
            missing = set(stands["has"]) - set(found or ())
            there = set(stands.get("not", ())) & set(found or ())
            if missing or there:
                yield f"{path} is {found!r}"
        elif found != stands:
            yield f"{path} is {found!r}, not {stands!r}"
    if "same" in step and (before.get("Id") == after.get("Id")) != step["same"]:
        yield "another container" if step["same"] else "the same container"


def main() -> None:
    """Play the scenarios whose names begin with a word given, or all; print what went wrong."""
    words = tuple(sys.argv[1:]) or ("",)
    listed = [s for s in table()["scenarios"] if s["scenario"].startswith(words)]
    with tempfile.TemporaryDirectory() as folder, Stage(SOCKET, Path(folder)) as stage:
        verdicts = list(stage.play(listed))
    print("\n".join(text for verdict in verdicts for text in verdict.wrong))
    print(*report(verdicts), sep="\n")


def report(verdicts: List[Verdict]) -> Iterator[str]:
    """Say in lines how many scenarios pass, and for which reason others differ."""
    reasons = table()["reasons"]
    lacking = [verdict for verdict in verdicts if verdict.lacking]
    unlike = [verdict for verdict in verdicts if verdict.unlike]
    alike = [v for v in verdicts if not v.wrong and not v.lacking and not v.unlike]
    steps = sum(verdict.steps for verdict in verdicts)
    yield (
        f"scenarios of community.docker: {len(verdicts)} ({steps} steps); {len(alike)} pass, "
        f"{len(unlike)} differ by design, {len(lacking)} are beyond this machine, "
        f"{sum(bool(verdict.wrong) for verdict in verdicts)} fail"
    )
    for reason, text in reasons.items():
        named = [verdict.scenario for verdict in unlike if reason in verdict.unlike]
        if named:
            yield f"- {text} {len(named)}: {', '.join(named)}"
    for verdict in lacking:
        yield f"- beyond this machine: {verdict.scenario}: {verdict.lacking}"


if __name__ == "__main__":
    main()
