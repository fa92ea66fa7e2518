"""The grounds of networks and of volumes."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.values.labels import (
    plain_labels,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume.fields import (
    OWNER_LABEL,
)

from tests.lab.fieldtable import Entry, Params, together
from tests.lab.ground import COMMAND, IMAGE, Ground
from tests.lab.server_image import run


class NetworkField(Ground):
    """The ground of networks: a running container is connected to the network in play.

    It keeps its alias, and its address where one is declared for it, however often the network is
    replaced. Its interface is the only one, and its number may grow. Entries may name the
    beginnings of addresses, `{v4}` (of a /20) and `{v6}` (of a /64), and `{parent}`, an interface.
    """

    resource = "network"

    def __init__(self, socket_path: str) -> None:
        super().__init__(socket_path)
        self.v4, self.v6 = f"10.{self.number % 100 + 100}.96", f"fd07:feea:{self.number:x}"
        self.guest, self.parent = f"{self.prefix}-guest", f"fl{self.prefix[-8:]}"
        self.plain: Params = {}
        self.since = ""

    def __enter__(self) -> NetworkField:
        plain = f"{self.prefix}-plain"
        self.run({"name": plain})
        self.plain = self.inspect(plain)
        body = {"Image": IMAGE, "Cmd": COMMAND, "HostConfig": {"NetworkMode": plain}}
        self.client.post("/containers/create", {"name": self.guest}, body)
        self.client.post(f"/containers/{self.guest}/start")
        self.since = self._box()["State"]["StartedAt"]
        self._leave(plain)
        run("ip", "link", "add", self.parent, "type", "bridge")
        return self

    def __exit__(self, *_exc: object) -> None:
        self.remove_boxes()
        self.clear(f"{self.prefix}-plain")
        run("ip", "link", "del", self.parent)
        self.client.close()

    @property
    def names(self) -> Dict[str, str]:
        return {**super().names, "v4": self.v4, "v6": self.v6, "parent": self.parent}

    def common(self, group: List[Entry], turn: int) -> Params:
        return {} if _own(group) else {"ipam": {"config": [{"subnet": f"{self.v4}.0/24"}]}}

    def prepare(self, group: List[Entry], turn: int, params: Params) -> Params:
        if turn == 2 and _own(group):  # no address can be kept when no subnet is declared any more
            self._leave(params["name"])
            self._join(params["name"], False)
        return params

    def settle(self, name: str, group: List[Entry], turn: int) -> None:
        subnets = [entry.row for entry in group if entry.row == "ipam.config"]
        fixed = bool(subnets) and turn < 2 if _own(group) else True
        if not turn:
            self._join(name, fixed)
        box = self._box()
        point = box["NetworkSettings"]["Networks"][name]
        assert box["State"]["StartedAt"] == self.since
        assert "shop" in point["Aliases"], point
        assert not fixed or point["IPAddress"] == f"{self.v4}.7", point

    def inspect(self, name: str) -> Params:
        found: Params = self.client.get(f"/networks/{name}")
        return found

    def inside(self, name: str, script: str) -> str:
        return self.execute(self.guest, script)

    def differences(self, found: Params) -> Iterator[str]:
        own = ("Id", "Name", "Created", "Containers", "Labels", "IPAM", "Status")
        for key in sorted({*found, *self.plain}):
            if key not in own and found.get(key) != self.plain.get(key):
                yield f"{key}: {found.get(key)!r}, without it {self.plain.get(key)!r}"
        if plain_labels(found["Labels"]):
            yield f"Labels: {found['Labels']!r}"
        for key in ("Driver", "Options"):
            one, other = (x["IPAM"].get(key) or None for x in (found, self.plain))
            if one != other:
                yield f"IPAM.{key}: {one!r}, without it {other!r}"

    def clear(self, name: str) -> None:
        self.run({"name": name, "state": "absent", "force": True})

    def _box(self) -> Params:
        found: Params = self.client.get(f"/containers/{self.guest}/json")
        return found

    def _join(self, name: str, fixed: bool) -> None:
        made: Dict[str, Any] = {"Aliases": ["shop"]}
        if fixed:
            made["IPAMConfig"] = {"IPv4Address": f"{self.v4}.7"}
        body = {"Container": self.guest, "EndpointConfig": made}
        self.client.post(f"/networks/{name}/connect", None, body)

    def _leave(self, name: str) -> None:
        self.client.post(f"/networks/{name}/disconnect", None, {"Container": self.guest})


def _own(group: List[Entry]) -> bool:
    """Tell whether a group declares subnets of its own, or that there are none."""
    return "config" in together(group, 0).get("ipam", {})


class VolumeField(Ground):
    """The ground of volumes: effects are seen in a container that mounts it at /volume.

    A change loses the data, so it is refused until it is asked for by name.
    """

    resource = "volume"

    def __enter__(self) -> VolumeField:
        self.run({"name": f"{self.prefix}-plain"})
        self.plain = self.inspect(f"{self.prefix}-plain")
        return self

    def __exit__(self, *_exc: object) -> None:
        self.remove_boxes()
        self.clear(f"{self.prefix}-plain")
        self.client.close()

    @property
    def names(self) -> Dict[str, str]:
        return {**super().names, "image": IMAGE}

    def prepare(self, group: List[Entry], turn: int, params: Params) -> Params:
        if not turn or group[0].usual:
            return params
        name = params["name"]
        before = self.inspect(name)
        refused = self.attempt(params)["msg"]
        assert refused.endswith(
            f"data in the volume would be lost; set destroy: {name} to allow it"
        )
        assert self.inspect(name) == before
        return {**params, "destroy": name}

    def inspect(self, name: str) -> Params:
        found: Params = self.client.get(f"/volumes/{name}")
        return found

    def identity(self, name: str) -> str:
        return str(self.inspect(name)["Labels"][OWNER_LABEL])

    def inside(self, name: str, script: str) -> str:
        box = f"{self.prefix}-user"
        host = {"Binds": [f"{name}:/volume"], "NetworkMode": "none"}
        body = {"Image": IMAGE, "Cmd": COMMAND, "HostConfig": host}
        self.client.post("/containers/create", {"name": box}, body)
        try:
            self.client.post(f"/containers/{box}/start")
            return self.execute(box, script)
        finally:
            self.remove_boxes()

    def differences(self, found: Params) -> Iterator[str]:
        for key in ("Driver", "Options", "Scope"):
            one, other = (x.get(key) or None for x in (found, self.plain))
            if one != other:
                yield f"{key}: {one!r}, without it {other!r}"
        if plain_labels(found["Labels"]):
            yield f"Labels: {found['Labels']!r}"

    def clear(self, name: str) -> None:
        self.remove_boxes()
        self.run({"name": name, "state": "absent", "destroy": name})
