"""Replicas that are replaced in batches: what runs meanwhile, and what becomes of a bad update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.resource import STACK

from tests.lab.core import run_task
from tests.lab.fake_engine import FakeEngine

Json = dict[str, Any]
NAMES = [f"shop-web-{number}" for number in range(1, 7)]


class Shop:
    """A stack with one service of six replicas on a fake engine."""

    def __init__(self, fake: FakeEngine) -> None:
        self.fake = fake
        fake.add_image("app:1", seed="1")
        fake.add_image("app:2", seed="2")
        assert not self.run("app:1", {}).get("failed")
        self.before = self.ids()
        fake.events.clear()

    def run(
        self, image: str, update: Json, check: bool = False, back: Json | None = None, **keys: Any
    ) -> Json:
        deploy: Json = {"replicas": 6, "update_config": update}
        if back:
            deploy["rollback_config"] = back
        services = {"web": {"image": image, "deploy": deploy, **keys}}
        params = {"project": {"name": "shop", "services": services}, "monitor": "20ms"}
        return run_task(STACK, params, lambda: Client(unix_dial(self.fake.socket_path)), check)

    def ids(self) -> dict[str, str]:
        return {box["Name"][1:]: box["Id"] for box in self.fake.containers.values()}

    def images(self) -> list[str]:
        """Return the images of the replicas, in order, of those that run."""
        boxes = [self.fake.container(name) for name in NAMES]
        return [box["Config"]["Image"] for box in boxes if box and box["State"]["Running"]]

    def running(self) -> list[int]:
        """Return how many containers ran after each event since the beginning."""
        count, result = len(NAMES), []
        for event in self.fake.events:
            count += {"start": 1, "die": -1}.get(event["Action"], 0)
            result.append(count)
        return result


@pytest.fixture
def shop() -> Iterator[Shop]:
    with FakeEngine(api="1.45") as fake:
        yield Shop(fake)


def test_at_most_a_batch_is_down_at_a_time(shop: Shop) -> None:
    result = shop.run("app:2", {"parallelism": 2})
    assert not result.get("failed"), result["msg"]
    assert shop.images() == ["app:2"] * 6
    assert min(shop.running()) == 4
    assert shop.run("app:2", {"parallelism": 2})["changed"] is False


def test_all_at_once_where_nothing_says_how(shop: Shop) -> None:
    assert not shop.run("app:2", {"parallelism": 0}).get("failed")
    assert shop.images() == ["app:2"] * 6


def test_what_is_planned_is_done(shop: Shop) -> None:
    update = {"parallelism": 2, "failure_action": "rollback"}
    planned = shop.run("app:2", update, check=True)["plan"]
    assert planned["notes"] == [
        "web: 6 containers are replaced, 2 at a time; if one does not come up, all go back"
    ]
    assert shop.run("app:2", update)["plan"]["text"] == planned["text"]


def test_batches_need_one_another_in_the_plan(shop: Shop) -> None:
    steps = shop.run("app:2", {"parallelism": 2}, check=True)["plan"]["steps"]
    first = {step["id"] for step in steps if step["address"] in ("container/shop-web-1",)}
    third = [step for step in steps if step["address"] == "container/shop-web-3"]
    assert first.intersection(third[0]["needs"])


def test_a_delay_lies_between_batches(shop: Shop) -> None:
    begun: list[float] = []
    shop.run("app:2", {"parallelism": 3, "delay": "300ms"})
    begun = [event["timeNano"] for event in shop.fake.events if event["Action"] == "start"]
    assert (begun[3] - begun[2]) / 1e9 >= 0.3


def test_new_replicas_come_at_once(shop: Shop) -> None:
    result = shop.run("app:1", {"parallelism": 1, "delay": "1h"}, scale=9)
    assert not result.get("failed"), result["msg"]
    assert len(shop.ids()) == 9


def test_a_batch_that_fails_ends_the_update(shop: Shop) -> None:
    shop.fake.behave("app:2", "wears-out:2")
    result = shop.run("app:2", {"parallelism": 1})
    assert result["failed"]
    assert result["changed"]
    assert "container/shop-web-3: the container exited with code 1" in result["msg"]
    assert "2 of 6 containers of web are updated" in result["msg"]
    assert "failure_action: pause" in result["msg"]
    assert shop.images() == ["app:2", "app:2", *["app:1"] * 4]
    assert sorted(shop.ids()) == NAMES
    shop.fake.behave("app:2", "run")
    assert not shop.run("app:2", {"parallelism": 1}).get("failed")
    assert shop.images() == ["app:2"] * 6


@pytest.mark.parametrize("order", ["stop-first", "start-first"])
@pytest.mark.parametrize("parallelism", [0, 1, 2, 4])
def test_all_go_back_to_the_very_same_containers(shop: Shop, parallelism: int, order: str) -> None:
    shop.fake.behave("app:2", "wears-out:4")
    update = {"parallelism": parallelism, "failure_action": "rollback", "order": order}
    result = shop.run("app:2", update)
    assert result["failed"]
    assert not result["changed"], result
    assert "all containers of web are as before (failure_action: rollback)" in result["msg"]
    assert "exited with code 1" in result["msg"]
    assert shop.ids() == shop.before
    assert shop.images() == ["app:1"] * 6
    assert shop.run("app:1", update)["changed"] is False


def test_the_way_back_keeps_its_own_pace(shop: Shop) -> None:
    shop.fake.behave("app:2", "wears-out:4")
    update = {"parallelism": 4, "failure_action": "rollback"}
    shop.run("app:2", update, back={"parallelism": 1, "delay": "200ms", "monitor": "50ms"})
    starts = [event for event in shop.fake.events if event["Action"] == "start"]
    back = [
        event["timeNano"] for event in starts if event["Actor"]["Attributes"]["image"] == "app:1"
    ]
    assert shop.ids() == shop.before
    assert all(after - before >= 2e8 for before, after in zip(back[-4:], back[-3:], strict=False))


def test_a_way_back_that_fails_is_told(shop: Shop) -> None:
    shop.fake.behave("app:2", "wears-out:2")
    shop.fake.behave("app:1", "exit:3")
    result = shop.run("app:2", {"failure_action": "rollback"})
    assert result["failed"]
    assert result["changed"]
    assert "going back failed" in result["msg"]
    assert "code 3" in result["msg"]


def test_others_go_on_if_that_is_declared(shop: Shop) -> None:
    shop.fake.behave("app:2", "wears-out:5")
    result = shop.run("app:2", {"failure_action": "continue"})
    assert result["failed"]
    assert result["changed"]
    assert "5 of 6 containers of web are updated" in result["msg"]
    assert sorted(shop.images()) == ["app:1", *["app:2"] * 5]
    assert sorted(shop.ids()) == NAMES


def test_a_ratio_of_failures_is_borne(shop: Shop) -> None:
    shop.fake.behave("app:2", "wears-out:5")
    update = {"failure_action": "rollback", "max_failure_ratio": 0.2}
    result = shop.run("app:2", update)
    assert result["failed"]
    assert "5 of 6 containers of web are updated" in result["msg"]
    assert sorted(shop.images()) == ["app:1", *["app:2"] * 5]
    assert sorted(shop.ids()) == NAMES


def test_more_than_the_ratio_is_not(shop: Shop) -> None:
    shop.fake.behave("app:2", "wears-out:3")
    update = {"failure_action": "rollback", "max_failure_ratio": 0.2}
    assert shop.run("app:2", update)["changed"] is False
    assert shop.ids() == shop.before


def test_starting_first_none_is_ever_missing(shop: Shop) -> None:
    result = shop.run("app:2", {"parallelism": 2, "order": "start-first"})
    assert not result.get("failed"), result["msg"]
    assert shop.images() == ["app:2"] * 6
    assert sorted(shop.ids()) == NAMES
    assert min(shop.running()) == 6
    assert max(shop.running()) == 8


@pytest.mark.parametrize(
    ("keys", "obstacle"),
    [
        ({"ports": [{"target": 80, "published": "8080"}]}, "the host port 8080 of 80/tcp"),
        ({"network_mode": "host"}, "network_mode: host"),
        ({"devices": [{"source": "/dev/fuse", "target": "/dev/fuse"}]}, "devices"),
        (
            {"volumes": [{"type": "bind", "source": "/srv", "target": "/srv"}]},
            "the writable mount /srv",
        ),
        ({"networks": {"default": {"ipv4_address": "10.9.0.9"}}}, "ipv4_address"),
        ({"mac_address": "02:42:ac:11:00:09"}, "mac_address"),
    ],
)
def test_starting_first_is_refused_where_it_cannot_work(
    shop: Shop, keys: Json, obstacle: str
) -> None:
    for check in (True, False):
        result = shop.run("app:2", {"order": "start-first"}, check, **{"scale": 1, **keys})
        assert result["failed"]
        assert not result["changed"]
        assert "services.web.deploy.update_config.order: start-first cannot" in result["msg"]
        assert obstacle in result["msg"]
    assert shop.ids() == shop.before


def test_starting_first_is_refused_with_an_anonymous_volume() -> None:
    with FakeEngine(api="1.45") as fake:
        fake.add_image("app:1", volumes=["/data"])
        params: Json = {"image": "app:1", "deploy": {"update_config": {"order": "start-first"}}}

        def run(**keys: Any) -> Json:
            services = {"web": {**params, **keys}}
            task = {"project": {"name": "shop", "services": services}, "monitor": "20ms"}
            return run_task(STACK, task, lambda: Client(unix_dial(fake.socket_path)))

        assert not run().get("failed")
        result = run(environment={"A": "1"})
        assert result["failed"]
        assert "the anonymous volume at /data" in result["msg"]


def test_what_cannot_be_right_is_told_at_once(shop: Shop) -> None:
    result = shop.run(
        "app:2",
        {"parallelism": -1, "max_failure_ratio": 3},
        back={"failure_action": "rollback"},
    )
    assert "update_config.parallelism: -1 is negative" in result["msg"]
    assert "rollback_config.failure_action: a rollback cannot be rolled back" in result["msg"]


def test_a_healthcheck_that_is_declared_is_waited_for(shop: Shop) -> None:
    shop.fake.behave("app:2", "unhealthy")
    check = {"test": ["CMD", "true"], "interval": "1s"}
    result = shop.run("app:2", {"parallelism": 2}, healthcheck=check)
    assert result["failed"]
    assert "is unhealthy" in result["msg"]
    assert shop.ids() == shop.before


def test_a_healthcheck_of_the_image_is_waited_for(shop: Shop) -> None:
    check = {"Test": ["CMD", "true"], "Interval": 10**9}
    shop.fake.add_image("app:3", behaviour="unhealthy", healthcheck=check)
    result = shop.run("app:3", {"parallelism": 2})
    assert result["failed"]
    assert "is unhealthy" in result["msg"]
    assert shop.ids() == shop.before


def test_what_depends_on_an_updated_service_comes_after_it(shop: Shop) -> None:
    def task(image: str) -> Json:
        web = {"image": image, "deploy": {"replicas": 6, "update_config": {"parallelism": 3}}}
        late = {"image": image, "depends_on": {"web": {"condition": "service_started"}}}
        early = {"image": image}
        services = {"web": web, "late": late, "early": early}
        return {"project": {"name": "shop", "services": services}, "monitor": "20ms"}

    def run(image: str) -> Json:
        return run_task(STACK, task(image), lambda: Client(unix_dial(shop.fake.socket_path)))

    assert not run("app:1").get("failed")
    shop.fake.events.clear()
    assert not run("app:2").get("failed")
    starts = [event for event in shop.fake.events if event["Action"] == "start"]
    order = [event["Actor"]["Attributes"]["name"] for event in starts]
    assert order[0] == "shop-early-1"
    assert order[-1] == "shop-late-1"


def test_what_takes_a_port_from_an_updated_service_comes_after_it(shop: Shop) -> None:
    port = [{"target": 80, "published": "8080"}]

    def run(**keys: Any) -> Json:
        services = {name: {"image": "app:1", **entry} for name, entry in keys.items()}
        task = {"project": {"name": "moves", "services": services}, "monitor": "20ms"}
        return run_task(STACK, task, lambda: Client(unix_dial(shop.fake.socket_path)))

    update = {"deploy": {"update_config": {"parallelism": 1}}}
    assert not run(proxy={}, web={**update, "ports": port}).get("failed")
    result = run(proxy={"ports": port}, web=update)
    assert not result.get("failed"), result["msg"]
    assert run(proxy={"ports": port}, web=update)["changed"] is False
