"""The fake engine shows what Docker 20.10 shows: the same requests to both, inspect compared."""

from __future__ import annotations

import copy
import io
import re
import tarfile
import uuid
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    ConnectionLost,
    EngineError,
)

from tests.lab.engines import Engine
from tests.lab.fake_engine import FakeEngine
from tests.lab.proxy import Proxy

TAG = f"h1true{uuid.uuid4().hex[:8]}"
IMAGE, NET, VOLUME, NAME = f"{TAG}:1", f"{TAG}-net", f"{TAG}-vol", f"{TAG}-box"
DOCKERFILE = b"""FROM scratch
ENV PATH=/bin A=image B=image
LABEL from=image both=image
EXPOSE 7000
VOLUME /data
USER 1000
HEALTHCHECK --interval=7s --retries=5 CMD true
ENTRYPOINT ["/bin/run"]
CMD ["serve", "--now"]
COPY marker /marker
"""
_HEALTH = {"Test": ["CMD-SHELL", "true"], "Interval": 7_000_000_000, "Retries": 5}


def host(**fields: Any) -> Dict[str, Any]:
    return {"HostConfig": fields}


BODIES: Dict[str, Dict[str, Any]] = {
    "nothing": {},
    "empty host": host(),
    "environment": {"Env": ["A=mine", "C=1", "B"], "Labels": {"both": "mine", "own": "1"}},
    "command": {"Cmd": ["other"]},
    "entrypoint": {"Entrypoint": ["/bin/else"]},
    "entrypoint list cleared": {"Entrypoint": [], "Cmd": ["x"]},
    "entrypoint blanked": {"Entrypoint": [""], "Cmd": ["x"]},
    "healthcheck": {"Healthcheck": {"Retries": 9, "Timeout": 1_000_000_000}},
    "healthcheck none": {"Healthcheck": {"Test": ["NONE"]}},
    "memory": host(Memory=64 << 20),
    "memory and swap": host(Memory=64 << 20, MemorySwap=-1, MemoryReservation=32 << 20),
    "limits": host(NanoCpus=500_000_000, PidsLimit=-1, CapAdd=["NET_ADMIN"], CapDrop=[]),
    "ports": {
        "ExposedPorts": {"80/tcp": {}, "90": {}},
        **host(PortBindings={"80/tcp": [{"HostPort": "18077"}, {"HostPort": ""}], "81/tcp": []}),
    },
    "binds": host(Binds=[f"{VOLUME}:/v", f"{VOLUME}:/r:ro", "/usr:/t:ro", "/anonymous"]),
    "mounts": host(
        Mounts=[
            {"Type": "volume", "Source": VOLUME, "Target": "/v"},
            {"Type": "bind", "Source": "/usr", "Target": "/t", "ReadOnly": True},
            {"Type": "tmpfs", "Target": "/m"},
        ],
        Tmpfs={"/fast": "size=1m"},
    ),
    "over the image's volume": host(Binds=[f"{VOLUME}:/data"]),
    "network": {
        **host(NetworkMode=NET),
        "NetworkingConfig": {"EndpointsConfig": {NET: {"Aliases": ["app"]}}},
    },
    "network without endpoint": host(NetworkMode=NET),
    "no network": host(NetworkMode="none"),
    "restart": host(RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 3}),
    "stop": {"StopSignal": "SIGUSR1", "StopTimeout": 3, "WorkingDir": "/srv/", "Hostname": "me"},
    "security": host(SecurityOpt=["no-new-privileges"], ReadonlyRootfs=True, Init=True),
    "open paths": host(MaskedPaths=[], ReadonlyPaths=[], GroupAdd=["5"], Sysctls={"a.b": "1"}),
    "the host's": host(IpcMode="host", PidMode="host", UTSMode="host", UsernsMode="host"),
    "privileged": host(Privileged=True, CgroupnsMode="host", CgroupParent="/x"),
    "names": host(
        Dns=["10.0.0.5"],
        DnsOptions=["ndots:2"],
        DnsSearch=["example.org"],
        ExtraHosts=["db:10.0.0.5", "gate:host-gateway"],
    ),
    "limits of processes": host(
        Ulimits=[{"Name": "nofile", "Soft": 10, "Hard": 20}],
        ShmSize=1 << 20,
        OomScoreAdj=5,
        MemorySwappiness=0,
        OomKillDisable=True,
    ),
    "limits of time": host(CpuShares=512, CpuPeriod=50000, CpuQuota=20000, CpusetCpus="0"),
    "devices": host(
        Devices=[
            {"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}
        ],
        DeviceCgroupRules=["c 1:3 mr"],
        DeviceRequests=[{"Driver": "x", "Count": 1, "Capabilities": [["gpu"]], "Options": {}}],
        BlkioDeviceReadBps=[{"Path": "/dev/null", "Rate": 5}],
    ),
    "log": host(LogConfig={"Type": "local", "Config": {"max-size": "1m"}}),
    "card": {"MacAddress": "02:42:ac:11:00:77", "Domainname": "example.org", "Tty": True},
    "long mounts": host(
        Mounts=[
            {
                "Type": "volume",
                "Source": VOLUME,
                "Target": "/v",
                "VolumeOptions": {"NoCopy": True, "Labels": {"a": "1"}},
            },
            {
                "Type": "bind",
                "Source": "/usr",
                "Target": "/t",
                "BindOptions": {"Propagation": "rslave", "NonRecursive": True},
            },
            {"Type": "tmpfs", "Target": "/m", "TmpfsOptions": {"SizeBytes": 1024, "Mode": 1016}},
        ]
    ),
    "everything published": {
        "ExposedPorts": {"80/tcp": {}},
        **host(PublishAllPorts=True, AutoRemove=True, VolumeDriver="local"),
    },
}
REFUSED: Dict[str, Dict[str, Any]] = {
    "image": {"Image": f"{TAG}-none"},
    "no image": {"Image": ""},
    "restart policy": host(RestartPolicy={"Name": "sometimes"}),
    "retries": host(RestartPolicy={"Name": "always", "MaximumRetryCount": 3}),
    "auto remove": host(RestartPolicy={"Name": "always"}, AutoRemove=True),
    "little memory": host(Memory=1000),
    "swap below memory": host(Memory=64 << 20, MemorySwap=32 << 20),
    "swap alone": host(MemorySwap=64 << 20),
    "port": host(PortBindings={"x/tcp": []}),
    "host port": host(PortBindings={"80/tcp": [{"HostPort": "x"}]}),
    "relative bind": host(Binds=["a/b:/x"]),
    "relative target": host(Binds=["/a:x"]),
    "target twice": host(Binds=["/a:/x", "/b:/x"]),
    "bind mode": host(Binds=["/a:/x:foo"]),
    "mount type": host(Mounts=[{"Type": "image", "Source": "a", "Target": "/x"}]),
    "two endpoints": {"NetworkingConfig": {"EndpointsConfig": {NET: {}, "bridge": {}}}},
    "cpus": host(NanoCpus=10**9, CpuQuota=5000),
    "extra host": host(ExtraHosts=["a=1"]),
    "interval": {"Healthcheck": {"Test": ["CMD", "x"], "Interval": 5}},
}


def _context() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in (("Dockerfile", DOCKERFILE), ("marker", TAG.encode())):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def engines(engine_of: Callable[[str], Engine]) -> Iterator[Tuple[Client, Client]]:
    """Yield (real, fake), both with the same image and network."""
    with FakeEngine() as lab, engine_of("d20").client() as real:
        fake = Client(unix_dial(lab.socket_path))
        lab.on_build = lambda build: {"Healthcheck": dict(_HEALTH)}
        for client in (real, fake):
            kind = {"Content-Type": "application/x-tar"}
            list(client.stream("POST", "/build", {"t": IMAGE}, _context(), kind))
            client.post("/networks/create", None, {"Name": NET, "CheckDuplicate": True})
        yield real, fake
        for path in (f"/networks/{NET}", f"/volumes/{VOLUME}", f"/images/{IMAGE}"):
            real.delete(path, {"force": True})


def shown(client: Client, body: Dict[str, Any]) -> Dict[str, Any]:
    """Create, inspect and remove; return inspect with what differs by nature made equal."""
    made = client.post("/containers/create", {"name": NAME}, {"Image": IMAGE, **body})
    try:
        return comparable(client.get(f"/containers/{NAME}/json"))
    finally:
        client.delete(f"/containers/{made['Id']}", {"v": True})


def comparable(box: Dict[str, Any]) -> Dict[str, Any]:
    box = copy.deepcopy(box)
    if box["Config"]["Hostname"] == box["Id"][:12]:
        box["Config"]["Hostname"] = "<short id>"
    del box["HostConfig"]["MaskedPaths"], box["HostConfig"]["ReadonlyPaths"]
    for mount in box["Mounts"]:
        if len(mount.get("Name", "")) == 64:
            mount.update(Name="<anonymous>", Source="<anonymous>")
        # Where the engine keeps its data is its own affair.
        mount["Source"] = re.sub(r"^.*(?=/volumes/)", "<root>", mount.get("Source", ""))
    box["Mounts"].sort(key=lambda mount: str(mount["Destination"]))
    parts = ("Name", "Path", "Args", "State", "Config", "HostConfig", "Mounts", "RestartCount")
    networks = box["NetworkSettings"]["Networks"]
    return {**{name: box[name] for name in parts}, "Networks": networks}


def differences(fake: Any, real: Any, where: str = "") -> List[str]:
    """Say where the fake's answer is not the real one."""
    if isinstance(fake, dict) and isinstance(real, dict):
        keys = sorted({*fake, *real})
        absent = "<absent>"
        pairs = [(key, fake.get(key, absent), real.get(key, absent)) for key in keys]
        return [line for k, f, r in pairs for line in differences(f, r, f"{where}.{k}")]
    if isinstance(fake, list) and isinstance(real, list) and len(fake) == len(real):
        both = enumerate(zip(fake, real))
        return [line for at, (f, r) in both for line in differences(f, r, f"{where}[{at}]")]
    return [] if fake == real else [f"{where}: fake {fake!r}, real {real!r}"]


@pytest.mark.parametrize("name", BODIES)
def test_a_created_container_is_shown_alike(engines: Tuple[Client, Client], name: str) -> None:
    real, fake = (shown(client, BODIES[name]) for client in engines)
    assert differences(fake, real) == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_is_refused_in_the_same_words(engines: Tuple[Client, Client], name: str) -> None:
    answers = []
    for client in engines:
        with pytest.raises(EngineError) as caught:
            client.post("/containers/create", {"name": NAME}, {"Image": IMAGE, **REFUSED[name]})
        # The engine names networks in an order of chance.
        words = sorted(caught.value.message.replace(",", "").split())
        answers.append((caught.value.status, words))
    assert answers[1] == answers[0]


def _story(client: Client) -> List[Any]:
    """Lead one container through its life; return what each step answered or showed."""
    seen: List[Any] = []
    made = ""

    def step(call: Any, *args: Any, **more: Any) -> Any:
        try:
            answer = call(*args, **more)
        except EngineError as exc:
            answer = f"{exc.status} {exc.message}"
        told = str(answer).replace(made, "<id>").replace(made[:12], "<id12>") if made else ""
        seen.append((args[0], told))
        return answer

    path = f"/containers/{NAME}"
    body = {"Image": "dev/busybox:1", **host(NetworkMode=NET, Memory=64 << 20)}
    body["Cmd"] = ["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 0.02; done"]
    body["NetworkingConfig"] = {"EndpointsConfig": {NET: {"Aliases": ["app"]}}}
    made = client.post("/containers/create", {"name": NAME}, body)["Id"]
    try:
        step(client.post, "/containers/create", {"name": NAME}, body)
        with client.events({"container": [NAME], "type": ["container"]}) as events:
            step(client.post, f"{path}/start")
            step(client.post, f"{path}/start")
            networks = client.get(f"{path}/json")["NetworkSettings"]["Networks"]
            seen.append([str(n["Aliases"]).replace(made[:12], "<id12>") for n in networks.values()])
            step(client.delete, path)
            step(client.post, f"{path}/update", None, {"Memory": 256 << 20})
            limits = {"Memory": 96 << 20, "MemorySwap": 192 << 20, "PidsLimit": 50, "Ulimits": []}
            step(client.post, f"{path}/update", None, limits)
            step(client.post, f"{path}/update", None, {"RestartPolicy": {"Name": "sometimes"}})
            step(client.post, f"{path}/update", None, {"PidsLimit": 0, "Memory": 0})
            resources = client.get(f"{path}/json")["HostConfig"]
            seen.append([resources[key] for key in ("Memory", "MemorySwap", "PidsLimit")])
            step(client.post, f"{path}/rename", {"name": NAME})
            step(client.post, f"/networks/{NET}/connect", None, {"Container": NAME})
            for _twice in (1, 2):
                step(client.post, f"/networks/{NET}/disconnect", None, {"Container": NAME})
            step(client.post, f"/networks/{TAG}-none/connect", None, {"Container": NAME})
            step(client.post, f"{path}/stop", {"t": 5})
            step(client.post, f"{path}/stop")
            step(client.post, f"{path}/kill")
            state = client.get(f"{path}/json")["State"]
            seen.append([state[key] for key in ("Status", "Running", "Pid", "ExitCode", "Error")])
            while seen[-1] != ("event", "stop"):
                event = events.next(5)
                seen.append(("event", event["Action"] if event else "nothing came"))
                if event is None:
                    break
    finally:
        client.delete(path, {"force": True, "v": True})
    step(client.get, f"{path}/json")
    return seen


def test_the_life_of_a_container_is_alike(engines: Tuple[Client, Client]) -> None:
    real, fake = engines
    config = real.get("/images/dev/busybox:1/json")["Config"]
    list(fake.stream("POST", "/build", {"t": "dev/busybox:1"}, _context()))
    assert config["Cmd"]
    assert _story(fake) == _story(real)


def test_a_fault_of_the_proxy_leaves_the_real_engine_as_it_says(
    engines: Tuple[Client, Client], engine_of: Callable[[str], Engine]
) -> None:
    real, _fake = engines
    with Proxy(engine_of("d20").socket) as proxy, Client(unix_dial(proxy.socket_path)) as client:
        for kind, labels in (("drop", []), ("drop-after", [TAG])):
            proxy.faults.reset()
            proxy.faults.at(1, kind)
            with pytest.raises(ConnectionLost):
                client.post("/volumes/create", None, {"Name": VOLUME, "Labels": {TAG: "1"}})
            found = real.get("/volumes", {"filters": {"label": [TAG]}})["Volumes"] or []
            assert [key for volume in found for key in volume["Labels"]] == labels
            real.delete(f"/volumes/{VOLUME}", {"force": True})
        with client.events({"type": ["volume"]}) as events:
            client.post("/volumes/create", None, {"Name": VOLUME})
            event = events.next(5)
        assert event is not None
        assert (event["Action"], event["Actor"]["ID"]) == ("create", VOLUME)
    assert [call.path for call in proxy.writes] == ["/volumes/create"] * 3
