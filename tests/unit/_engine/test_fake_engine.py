"""What the fake engine does that the comparison with a real one does not cover."""

from __future__ import annotations

import time
from typing import Any, Dict, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    EngineError,
)

from tests.lab import fake_life
from tests.lab.fake_engine import Build, BuildFailed, FakeEngine

from .client.test_stream import TAR, context

HEALTH = {"Test": ["CMD", "true"]}


def run(client: Client, name: str = "web", **body: Any) -> Dict[str, Any]:
    client.post("/containers/create", {"name": name}, {"Image": "app:1", **body})
    client.post(f"/containers/{name}/start")
    return state(client, name)


def state(client: Client, name: str = "web") -> Dict[str, Any]:
    found: Dict[str, Any] = client.get(f"/containers/{name}/json")["State"]
    return found


def test_a_container_that_exits_at_once(fake: FakeEngine, client: Client) -> None:
    fake.behave("app:1", "exit:3")
    with client.events({"event": ["die"]}) as events:
        run(client)
        died = events.next(5)
    assert died is not None
    assert died["Actor"]["Attributes"]["exitCode"] == "3"
    seen = state(client)
    assert (seen["Status"], seen["ExitCode"], seen["Running"]) == ("exited", 3, False)


def test_a_container_with_a_policy_goes_on_restarting_until_stopped(
    fake: FakeEngine, client: Client
) -> None:
    fake.behave("app:1", "exit:1")
    with client.events({"event": ["die", "start"]}) as events:
        run(client, HostConfig={"RestartPolicy": {"Name": "always"}})
        actions = [event["Action"] for event in (events.next(5) for _turn in range(4)) if event]
    assert actions == ["start", "die", "start", "die"]
    assert state(client)["Status"] == "restarting"
    client.post("/containers/web/stop")
    assert state(client)["Status"] == "exited"


def test_retries_end(fake: FakeEngine, client: Client) -> None:
    fake.behave("app:1", "exit:1")
    policy = {"Name": "on-failure", "MaximumRetryCount": 1}
    with client.events({"event": ["die"]}) as events:
        run(client, HostConfig={"RestartPolicy": policy})
        assert [bool(events.next(5)) for _turn in range(2)] == [True, True]
        assert events.next(0.3) is None
    assert fake.container("web") is not None
    assert state(client)["Status"] == "exited"


@pytest.mark.parametrize("status", ["healthy", "unhealthy"])
def test_health(
    fake: FakeEngine, client: Client, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_life, "SOON", 0.5)  # after the look at what it is before
    fake.behave("app:1", status)
    with client.events({"event": ["health_status"]}) as events:
        assert run(client, Healthcheck=HEALTH)["Health"]["Status"] == "starting"
        event = events.next(5)
    assert event is not None
    assert event["Action"] == f"health_status: {status}"
    assert state(client)["Health"]["Status"] == status


@pytest.mark.parametrize(("needed", "grace", "code"), [(0.2, 60, 143), (60, 0.2, 137)])
def test_a_slow_stop(
    fake: FakeEngine, client: Client, needed: float, grace: float, code: int
) -> None:
    fake.behave("app:1", f"slow-stop:{needed}")
    run(client)
    begun = time.monotonic()
    client.post("/containers/web/stop", {"t": grace})
    assert 0.2 <= time.monotonic() - begun < 30
    assert state(client)["ExitCode"] == code


def test_a_published_port_is_taken_only_once(fake: FakeEngine, client: Client) -> None:
    ports = {"80/tcp": [{"HostPort": "8080"}]}
    body = {"ExposedPorts": {"80/tcp": {}}, "HostConfig": {"PortBindings": ports}}
    run(client, "one", **body)
    with pytest.raises(EngineError, match=r"Bind for 0\.0\.0\.0:8080 failed: port is already"):
        run(client, "two", **body)
    client.post("/containers/one/stop")
    client.post("/containers/two/start")
    assert state(client, "two")["Running"]


def test_anonymous_volumes_go_with_v_only(fake: FakeEngine, client: Client) -> None:
    fake.add_image("app:1", volumes=["/data"])
    for query, left in (({"force": True}, 2), ({"force": True, "v": True}, 2)):
        run(client, HostConfig={"Binds": ["named:/n"]})
        client.delete("/containers/web", query)
        assert len(fake.volumes) == left
    assert "named" in fake.volumes


def test_lists_are_filtered_as_the_engine_does(fake: FakeEngine, client: Client) -> None:
    run(client, "web-1", Labels={"a": "1"})
    client.post("/containers/create", {"name": "web-2"}, {"Image": "app:1", "Labels": {"a": "2"}})

    def names(everything: bool, **filters: List[str]) -> List[str]:
        query = {"all": everything, "filters": filters}
        return sorted(box["Names"][0] for box in client.get("/containers/json", query))

    assert names(False) == ["/web-1"]
    assert names(True, name=["web"]) == ["/web-1", "/web-2"]
    assert names(True, name=["^/web-2$"]) == ["/web-2"]
    assert names(True, name=["^web-2$"]) == ["/web-2"]
    assert names(True, label=["a"]) == ["/web-1", "/web-2"]
    assert names(True, label=["a=1", "a"]) == ["/web-1"]
    fake.add_image("app:1", cmd=["newer"])
    shown = {box["Image"] for box in client.get("/containers/json", {"all": True})}
    assert shown == {next(iter(fake.images))}  # the id, since the name means another image now


def test_an_image_in_use_is_not_deleted(fake: FakeEngine, client: Client) -> None:
    run(client)
    client.post("/images/app:1/tag", {"repo": "other", "tag": "2"})
    assert client.delete("/images/other:2") == [{"Untagged": "other:2"}]
    with pytest.raises(EngineError, match=r"unable to remove repository reference \"app:1\""):
        client.delete("/images/app:1")
    client.delete("/containers/web", {"force": True})
    assert client.delete("/images/app:1")[0] == {"Untagged": "app:1"}
    assert fake.images == {}


def test_a_build_hook_decides(fake: FakeEngine, client: Client) -> None:
    def hook(build: Build) -> Dict[str, Any]:
        if build.args.get("FAIL"):
            raise BuildFailed("no such package")
        return {"User": "7"}

    fake.on_build = hook
    tar = context("FROM app:1\n")
    list(client.stream("POST", "/build", {"t": "b:1"}, tar, TAR))
    assert client.get("/images/b:1/json")["Config"]["User"] == "7"
    with pytest.raises(EngineError, match="no such package"):
        list(client.stream("POST", "/build", {"t": "b:1", "buildargs": {"FAIL": "1"}}, tar, TAR))


def test_the_same_context_gives_the_same_image(fake: FakeEngine, client: Client) -> None:
    ids = []
    for text in ("FROM app:1\nENV A=1\n", "FROM app:1\nENV A=1\n", "FROM app:1\nENV A=2\n"):
        list(client.stream("POST", "/build", {"t": "b:1"}, context(text), TAR))
        ids.append(client.get("/images/b:1/json")["Id"])
    assert ids[0] == ids[1] != ids[2]


def test_the_registry_knows_the_digest_a_pull_will_bring(fake: FakeEngine, client: Client) -> None:
    fake.registry["lib/app:2"] = {"cmd": ["x"]}
    list(client.stream("POST", "/images/create", {"fromImage": "lib/app", "tag": "2"}))
    digest = client.get("/distribution/lib/app:2/json")["Descriptor"]["digest"]
    assert client.get("/images/lib/app:2/json")["RepoDigests"] == [f"lib/app@{digest}"]
    fake.registry["lib/app:2"]["seed"] = "newer"
    assert client.get("/distribution/lib/app:2/json")["Descriptor"]["digest"] != digest


def test_wait_answers_when_the_container_ends(fake: FakeEngine, client: Client) -> None:
    fake.behave("app:1", "exit:4")
    run(client)
    assert client.post("/containers/web/wait") == {"StatusCode": 4}


def test_a_newer_engine_shows_what_docker_28_shows() -> None:
    with FakeEngine(api="1.51") as newer:
        newer.add_image("app:1", cmd=["x"])
        client = Client(unix_dial(newer.socket_path))
        for name in ("one", "two"):
            client.post("/networks/create", None, {"Name": name})
        points = {"one": {"Aliases": ["a"]}, "two": {}}
        run(client, NetworkingConfig={"EndpointsConfig": points}, HostConfig={"NetworkMode": "one"})
        box = client.get("/containers/web/json")
        networks = box["NetworkSettings"]["Networks"]
        assert {name: point["Aliases"] for name, point in networks.items()} == {
            "one": ["a"],
            "two": None,
        }
        assert box["HostConfig"]["RestartPolicy"]["Name"] == "no"
        run(client, "plain")
        assert client.get("/containers/plain/json")["HostConfig"]["NetworkMode"] == "bridge"
        assert "Hostname" not in client.get("/images/app:1/json")["Config"]


def test_no_short_id_is_a_number(fake: FakeEngine) -> None:
    """As Docker draws them: one of 280 random ones would be, and a plan's text then differs."""
    made = [fake.state.new_id() for _turn in range(5000)]
    assert [one for one in made if one[:12].isdecimal()] == []
